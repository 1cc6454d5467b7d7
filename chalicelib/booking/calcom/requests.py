"""What is asked of Cal.com, and where to look whether Cal.com did it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments.appointment import Appointment, Attendee, PendingChange
from chalicelib.booking.calcom.state import CHANGE
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import DomainError, VendorRefused
from chalicelib.core.logging import log
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom, NewBooking

LONGEST_CHAIN = 20
"""How often a booking is followed to the one that replaced it."""
MARGIN = timedelta(hours=1)
NO_REASON = "No reason given"


NEVER_ARRIVED = frozenset(
    {
        *("calcom_unreachable", "calcom_credentials", "calcom_forbidden", "calcom_rate_limited"),
        *("calcom_metadata", "calcom_no_event_type"),
    }
)
"""Refusals after which Cal.com has surely done nothing. After any other it is asked: what it refused may be the second
copy of a request whose first was carried out."""


def send(held: Appointment, client: "CalCom") -> "Booking":
    """Ask for the pending change; the booking as it stands afterwards. Raises what the client raises."""
    change, uid = held.pending_change, held.external_id
    assert change
    assert uid
    reason = change.reason or NO_REASON
    match change.kind:
        case "cancel":
            return client.cancel(uid, reason)
        case "confirm":
            return client.confirm(uid)
        case "decline":
            return client.decline(uid, reason)
        case "rebook":
            return client.create_booking(_rebooking(held, change, time_swap.schedule_for(held)))
        case "reassign":
            client.reassign(uid, _user_id(held, change), reason)
            return client.booking(uid)
        case _:
            return _reschedule(held, change, client)


def _reschedule(held: Appointment, change: PendingChange, client: "CalCom") -> "Booking":
    assert change.slot
    made = client.reschedule(str(held.external_id), change.slot.starts_at, change.reason or NO_REASON)
    if change.slot.staff_id == held.staff_id:
        return made
    host = time_swap.schedule_for(held).find_staff(change.slot.staff_id)
    if host is None or host.calcom_user_id in {None, *(one.id for one in made.hosts)}:
        return made
    try:
        client.reassign(made.uid, host.calcom_user_id or 0, change.reason or NO_REASON)
        return client.booking(made.uid)
    except DomainError as error:
        # It has moved, and whom Cal.com chose is what stands.
        log.warning("calcom kept its host", extra={"appointment_id": held.id, "code": error.code})
        return made


def read(held: Appointment, client: "CalCom") -> "Booking | None":
    """The booking that the appointment has now at Cal.com, whatever replaced the one we know; None: there is none.

    Raises what the client raises, but not_found.
    """
    change = held.pending_change
    made = _rebooked(held, change, client) if change and change.kind == "rebook" else None
    return made or latest(str(held.external_id), client)


def latest(uid: str, client: "CalCom") -> "Booking | None":
    """The booking of that uid, or the one that rescheduling has made of it; None when Cal.com does not know it."""
    try:
        booking = client.booking(uid)
        for _ in range(LONGEST_CHAIN):
            if booking.rescheduled_to_uid is None:
                break
            booking = client.booking(booking.rescheduled_to_uid)
    except VendorRefused as refusal:
        if refusal.code != "calcom_not_found":
            raise
        return None
    return booking


def booking_at_calcom(appointment: Appointment, client: "CalCom") -> "Booking | None":
    """The booking whose metadata names the appointment, looked for by event type and time; one that stands, if any."""
    event_type = event_type_of(time_swap.schedule_for(appointment), appointment, appointment.staff_id)
    if event_type is None:
        return None
    gone = None
    for booking in client.bookings(event_type, appointment.starts_at - MARGIN, appointment.ends_at + MARGIN):
        if booking.metadata.get("appointment_id") == appointment.id:
            if booking.status in ("accepted", "pending"):
                return booking
            gone = booking
    return latest(gone.uid, client) if gone else None


def _rebooked(held: Appointment, change: PendingChange, client: "CalCom") -> "Booking | None":
    assert change.slot
    event_type = event_type_of(time_swap.schedule_for(held), held, change.slot.staff_id)
    if event_type is None:
        return None
    around = change.slot.starts_at - MARGIN, change.slot.ends_at + MARGIN
    for booking in client.bookings(event_type, *around):
        if booking.metadata.get(CHANGE) == change.id and booking.status in ("accepted", "pending"):
            return booking
    return None


def event_type_of(schedule: Schedule, appointment: Appointment, staff_id: str | None) -> int | None:
    """The event type that books the appointment's service with this member of staff."""
    service = schedule.find_service(appointment.service_id)
    return service.event_type(staff_id or "*") if service else None


def _user_id(held: Appointment, change: PendingChange) -> int:
    member = time_swap.schedule_for(held).find_staff(change.slot.staff_id if change.slot else None)
    if member is None or member.calcom_user_id is None:
        raise VendorRefused("calcom_forbidden", "This member of staff is not connected with a Cal.com user.")
    return member.calcom_user_id


def new_booking(
    appointment: Appointment, event_type: int, who: Attendee | Contact, branch: Branch, **metadata: str
) -> "NewBooking":
    """What Cal.com is asked to book; the metadata lead back to the appointment."""
    # Imported here: a branch that does not book through Cal.com need not load an HTTP client.
    from chalicelib.vendors.calcom import NewAttendee, NewBooking

    ours = {"appointment_id": appointment.id, "company_id": appointment.company_id, "source": appointment.source}
    return NewBooking(
        event_type_id=event_type,
        start=appointment.starts_at,
        attendee=NewAttendee(
            name=who.name or who.phone or "Guest",
            time_zone=branch.zone,
            email=who.email,
            phone_number=who.phone,
            language=branch.language,
        ),
        metadata={**ours, **metadata},
    )


def _rebooking(held: Appointment, change: PendingChange, schedule: Schedule) -> "NewBooking":
    assert change.slot
    event_type = event_type_of(schedule, held, change.slot.staff_id)
    assert event_type is not None
    new = new_booking(held, event_type, attendee(held), schedule.branch, **{CHANGE: change.id})
    return msgspec.structs.replace(new, start=change.slot.starts_at)


def attendee(held: Appointment) -> Attendee:
    """Who comes: as the booking has it, else as the customer's record does."""
    if held.attendee:
        return held.attendee
    customer = people.get(held.company_id, held.customer_id)
    return Attendee(name=customer.name, email=customer.email, phone=customer.phone)
