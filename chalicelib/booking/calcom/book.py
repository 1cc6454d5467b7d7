"""Hold, vendor, confirm: taking a held appointment to Cal.com, and writing down what Cal.com said."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import RefusedRequest, SlotTaken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, booked_event
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.state import as_event, first_said
from chalicelib.booking.creation.book import Booked
from chalicelib.booking.events import AppointmentReleased
from chalicelib.booking.jobs import SettleChange
from chalicelib.core import directory
from chalicelib.core.clock import Clock
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, Stale, VendorRefused
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.customer import Contact

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom, NewAttendee, NewBooking

UID = "calcom_uid"
BOOKING_ID = "calcom_booking"
"""Kinds of directory keys: Cal.com's uid and id of a booking."""
TRIES = 6
ConfirmHook = Callable[[Unit, Appointment], None]


def confirm_at_calcom(
    booked: Booked, calcom: "CalCom", new_unit: UnitFactory, clock: Clock, hook: ConfirmHook | None = None
) -> Appointment:
    """Book the held appointment at Cal.com; returns it confirmed.

    Cal.com says the slot is taken: the hold is released, SlotTaken. It refuses otherwise,
    or surely never got the request: released, and its error goes on. It may have booked without saying so: the hold
    stays, OutcomeUnknown; `ReconcileBooking` asks it later. What it refuses is looked for before it is released.
    """
    appointment = booked.appointment
    try:
        made = calcom.create_booking(_request(booked))
    except OutcomeUnknown:
        log.warning("calcom outcome unknown", extra={"appointment_id": appointment.id})
        raise
    except DomainError as refusal:
        log.info("calcom refused", extra={"appointment_id": appointment.id, "code": refusal.code})
        found = _made_all_the_same(appointment, refusal, calcom)
        if found is None:
            release(appointment, refusal.code, new_unit, clock)
            if isinstance(refusal, Conflict):
                raise _taken(booked, clock()) from None
            raise
        made = found
    return confirm(appointment, made, new_unit, clock, hook)


def _made_all_the_same(appointment: Appointment, refusal: DomainError, calcom: "CalCom") -> "Booking | None":
    if refusal.code in calcom_requests.NEVER_ARRIVED:
        return None
    try:
        found = calcom_requests.booking_at_calcom(appointment, calcom)
    except DomainError as error:
        detail = "Cal.com refused, and cannot be asked whether it booked all the same."
        raise OutcomeUnknown("calcom_outcome_unknown", detail) from error
    return found if found and found.status in ("accepted", "pending") else None


def _request(booked: Booked) -> "NewBooking":
    # Imported here: a branch that does not book through Cal.com need not load an HTTP client.
    from chalicelib.vendors.calcom import NewBooking

    appointment, branch = booked.appointment, booked.schedule.branch
    event_type = booked.service.event_type(booked.staff.id)
    if event_type is None:
        raise VendorRefused("calcom_no_event_type", f"{booked.service.name} has no Cal.com event type; set one.")
    contact = booked.contact
    metadata = {
        "appointment_id": appointment.id,
        "company_id": appointment.company_id,
        "call_id": appointment.call_id or "",
        "source": appointment.source,
    }
    return NewBooking(
        event_type_id=event_type,
        start=appointment.starts_at,
        attendee=_attendee(contact, branch.zone, branch.language),
        metadata={name: value for name, value in metadata.items() if value},
    )


def _attendee(contact: Contact, zone: str, language: str) -> "NewAttendee":
    from chalicelib.vendors.calcom import NewAttendee

    return NewAttendee(
        name=contact.name or contact.phone or "Guest",
        time_zone=zone,
        email=contact.email,
        phone_number=contact.phone,
        language=language,
    )


def _taken(booked: Booked, now: datetime) -> SlotTaken:
    appointment = booked.appointment
    return SlotTaken(
        RefusedRequest(
            company_id=appointment.company_id,
            branch_id=appointment.branch_id,
            service=booked.service,
            staff=booked.staff.id,
            starts_at=appointment.starts_at,
            now=now,
            customer_id=appointment.customer_id,
            address=appointment.address,
            other_branches=appointment.source != "retell_phone",
        )
    )


def confirm(
    appointment: Appointment, made: "Booking", new_unit: UnitFactory, clock: Clock, hook: ConfirmHook | None = None
) -> Appointment:
    """Write down that Cal.com has it. Idempotent: a webhook or a job may have been faster."""
    current: Appointment | None = appointment
    for _ in range(TRIES):
        if current is None or current.status != "held":
            break
        confirmed = current.confirmed(made.id, made.uid, clock(), made.updated_at or made.created_at)
        if made.status == "pending":
            confirmed = confirmed.changed(clock(), status="requested", booked_as=None, version=confirmed.version)
        confirmed = confirmed.changed(clock(), **first_said(as_event(made).payload), version=confirmed.version)
        unit = new_unit()
        appointment_store.save_appointment(unit, confirmed)
        claim_ids(unit, confirmed)
        if confirmed.pending_change:
            # It was cancelled before Cal.com had said that it has it.
            unit.enqueue(
                SettleChange(
                    company_id=confirmed.company_id, appointment_id=confirmed.id, change_id=confirmed.pending_change.id
                )
            )
        unit.publish(booked_event(confirmed))
        unit.audit("appointment.confirmed", confirmed.id, ("status", "calcom_booking_id", "external_id"))
        if hook:
            hook(unit, confirmed)
        try:
            unit.commit(confirmed)
            return confirmed
        except Stale:
            current = appointment_store.find_appointment(appointment.company_id, appointment.id)
    if current is None or current.status == "held":
        raise Stale
    if hook and current.status in ("confirmed", "requested"):
        # A webhook confirmed it first: what the caller adds to the confirmation is still to be written.
        unit = new_unit()
        hook(unit, current)
        unit.commit(current)
    return current


def release(appointment: Appointment, reason: str, new_unit: UnitFactory, clock: Clock) -> Appointment:
    """Give up a hold that Cal.com surely does not have. Idempotent; leaves alone what is no longer held."""
    current: Appointment | None = appointment
    for _ in range(TRIES):
        if current is None or current.status != "held":
            break
        released = current.changed(clock(), status="released", pending_change=None, cancellation_reason=reason)
        unit = new_unit()
        unit.free_key()
        time_swap.release_time(unit, current)
        appointment_store.save_appointment(unit, released)
        unit.publish(AppointmentReleased(appointment_id=current.id, reason=reason, version=released.version))
        unit.audit("appointment.released", current.id, ("status",), reason=reason)
        try:
            unit.commit(released)
            return released
        except Stale:
            current = appointment_store.find_appointment(appointment.company_id, appointment.id)
    if current is None:
        raise Stale
    return current


def claim_ids(unit: Unit, appointment: Appointment) -> None:
    """Make Cal.com's ids of the booking lead to the appointment; ids it had before keep leading there."""
    taken = Stale("Another appointment has this Cal.com booking.")
    if appointment.external_id:
        directory.claim(unit, Claim(UID, appointment.external_id, appointment.id), taken)
    if appointment.calcom_booking_id is not None:
        directory.claim(unit, Claim(BOOKING_ID, str(appointment.calcom_booking_id), appointment.id), taken)
