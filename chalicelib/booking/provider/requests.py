"""What is asked of a provider for an appointment, and where to look whether the provider did it."""

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments.appointment import Appointment, Attendee, PendingChange
from chalicelib.booking.appointments.external import (
    APPOINTMENT,
    CHANGE,
    COMPANY,
    BookingProvider,
    BookingSearch,
    ExternalBooking,
    ExternalChange,
    NewExternalBooking,
    Provider,
    find_provider,
)
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people

NO_REASON = "No reason given"


def provider_of(appointment: Appointment) -> Provider:
    """Who decides the appointment's time together with us; raises Unavailable when that provider is gone."""
    return find_provider(str(appointment.provider))


def send(held: Appointment, client: BookingProvider) -> ExternalBooking:
    """Ask for the pending change; the booking as it stands afterwards. Raises what the client raises."""
    change, booking_id = held.pending_change, held.external_id
    assert change
    assert booking_id
    reason = change.reason or NO_REASON
    match change.kind:
        case "cancel":
            return client.cancel(booking_id, reason)
        case "rebook":
            return client.create(_rebooking(held, change))
        case "confirm" | "decline":
            return client.change(booking_id, ExternalChange(kind=change.kind, reason=reason))
        case _:
            return client.change(booking_id, _move(held, change, reason))


def _move(held: Appointment, change: PendingChange, reason: str) -> ExternalChange:
    slot = change.slot
    assert slot
    to_another = slot.staff_id != held.staff_id
    member = time_swap.schedule_for(held).find_staff(slot.staff_id) if to_another else None
    return ExternalChange(
        kind="reassign" if change.kind == "reassign" else "reschedule",
        reason=reason,
        starts_at=slot.starts_at,
        to_another=to_another,
        host=member.reference(held.provider) if member else None,
    )


def read(held: Appointment, client: BookingProvider) -> ExternalBooking | None:
    """The booking that the appointment has now, whatever replaced the one we know; None: there is none.

    Raises what the client raises.
    """
    change = held.pending_change
    made = _rebooked(held, change, client) if change and change.kind == "rebook" else None
    return made or client.find(str(held.external_id))


def search(appointment: Appointment, client: BookingProvider) -> ExternalBooking | None:
    """The booking that bears the appointment's mark, looked for by service and time; one that stands, if any."""
    schedule = time_swap.schedule_for(appointment)
    service_id = service_id_of(schedule, appointment, appointment.staff_id)
    if service_id is None:
        return None
    return client.search(
        BookingSearch(
            service_id=service_id,
            starts_at=appointment.starts_at,
            ends_at=appointment.ends_at,
            mark=APPOINTMENT,
            value=appointment.id,
        )
    )


def _rebooked(held: Appointment, change: PendingChange, client: BookingProvider) -> ExternalBooking | None:
    slot = change.slot
    assert slot
    service_id = service_id_of(time_swap.schedule_for(held), held, slot.staff_id)
    if service_id is None:
        return None
    found = client.search(
        BookingSearch(
            service_id=service_id, starts_at=slot.starts_at, ends_at=slot.ends_at, mark=CHANGE, value=change.id
        )
    )
    return found if found and found.stands else None


def service_id_of(schedule: Schedule, appointment: Appointment, staff_id: str | None) -> str | None:
    """What the provider books as the appointment's service with this member of staff."""
    service = schedule.find_service(appointment.service_id)
    return service.reference(appointment.provider, staff_id) if service else None


def new_booking(
    appointment: Appointment, schedule: Schedule, service: Service, who: Attendee | Contact, **marks: str
) -> NewExternalBooking:
    """What the provider is asked to book; the marks lead back to the appointment."""
    member = schedule.find_staff(appointment.staff_id)
    ours = {APPOINTMENT: appointment.id, COMPANY: appointment.company_id, "source": appointment.source}
    return NewExternalBooking(
        service_id=service.reference(appointment.provider, appointment.staff_id),
        service_name=service.name,
        host=member.reference(appointment.provider) if member else None,
        starts_at=appointment.starts_at,
        attendee=Attendee(name=who.name or who.phone or "Guest", email=who.email, phone=who.phone),
        zone=schedule.branch.zone,
        language=schedule.branch.language,
        marks={**ours, **marks},
    )


def _rebooking(held: Appointment, change: PendingChange) -> NewExternalBooking:
    slot = change.slot
    assert slot
    schedule = time_swap.schedule_for(held)
    service = schedule.service(held.service_id, "service")
    as_it_will_be = held.changed(held.updated_at, starts_at=slot.starts_at, staff_id=slot.staff_id)
    return new_booking(as_it_will_be, schedule, service, attendee(held), **{CHANGE: change.id})


def attendee(held: Appointment) -> Attendee:
    """Who comes: as the booking has it, else as the customer's record does."""
    if held.attendee:
        return held.attendee
    customer = people.get(held.company_id, held.customer_id)
    return Attendee(name=customer.name, email=customer.email, phone=customer.phone)
