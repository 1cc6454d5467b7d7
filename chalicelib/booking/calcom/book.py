"""Hold, vendor, confirm: taking a held appointment to Cal.com, and writing down what Cal.com said."""

from typing import TYPE_CHECKING

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import RefusedRequest, SlotTaken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, booked_event
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.commit import add_to_settled, claim_ids, commit, while_open
from chalicelib.booking.calcom.state import report_of, who_comes
from chalicelib.booking.creation.book import Booked
from chalicelib.booking.events import AppointmentReleased
from chalicelib.booking.jobs import SettleChange
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, VendorRefused
from chalicelib.core.logging import log

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import Booking, CalCom, NewBooking


def confirm_at_calcom(context: ChangeContext[Appointment], booked: Booked, client: "CalCom") -> Appointment:
    """Book the held appointment at Cal.com; returns it confirmed.

    Cal.com says the slot is taken: the hold is released, SlotTaken. It refuses otherwise, or surely never got the
    request: released, and its error goes on. It may have booked without saying so: the hold stays, OutcomeUnknown;
    `ReconcileBooking` asks it later. What it refuses is looked for before it is released.
    """
    appointment = booked.appointment
    try:
        made = client.create_booking(_request(booked))
    except OutcomeUnknown:
        log.warning("calcom outcome unknown", extra={"appointment_id": appointment.id})
        raise
    except DomainError as refusal:
        log.info("calcom refused", extra={"appointment_id": appointment.id, "code": refusal.code})
        found = _made_all_the_same(appointment, refusal, client)
        if found is None:
            release(context, appointment, refusal.code)
            if isinstance(refusal, Conflict):
                raise SlotTaken(_refused(context, booked)) from None
            raise
        made = found
    return confirm(context, appointment, made)


def confirm(context: ChangeContext[Appointment], held: Appointment, made: "Booking") -> Appointment:
    """Write down that Cal.com has it. Idempotent: a webhook or a job may have been faster."""

    def write(current: Appointment) -> Appointment:
        confirmed = current.confirmed(made.id, made.uid, context.clock(), made.updated_at or made.created_at)
        pending = {"status": "requested", "booked_as": None} if made.status == "pending" else {}
        said = who_comes(report_of(made).event.payload)
        confirmed = confirmed.changed(context.clock(), **pending, **said, version=confirmed.version)
        unit = context.new_unit()
        claim_ids(unit, confirmed)
        change = confirmed.pending_change
        if change:
            # It was cancelled before Cal.com had said that it has it.
            unit.enqueue(
                SettleChange(company_id=confirmed.company_id, appointment_id=confirmed.id, change_id=change.id)
            )
        unit.publish(booked_event(confirmed))
        unit.audit("appointment.confirmed", confirmed.id, ("status", "calcom_booking_id", "external_id"))
        return commit(context, unit, confirmed)

    current, mine = while_open(held, lambda one: one.status == "held", write)
    if not mine and context.hook and current.status in ("confirmed", "requested"):
        return add_to_settled(context, current)
    return current


def release(context: ChangeContext[Appointment], held: Appointment, reason: str) -> Appointment:
    """Give up a hold that Cal.com surely does not have. Idempotent; leaves alone what is no longer held."""

    def write(current: Appointment) -> Appointment:
        released = current.changed(context.clock(), status="released", pending_change=None, cancellation_reason=reason)
        unit = context.new_unit()
        unit.free_key()
        time_swap.release_time(unit, current)
        appointment_store.save_appointment(unit, released)
        unit.publish(AppointmentReleased(appointment_id=current.id, reason=reason, version=released.version))
        unit.audit("appointment.released", current.id, ("status",), reason=reason)
        unit.commit(released)
        return released

    return while_open(held, lambda one: one.status == "held", write)[0]


def _made_all_the_same(appointment: Appointment, refusal: DomainError, client: "CalCom") -> "Booking | None":
    if refusal.code in calcom_requests.NEVER_ARRIVED:
        return None
    try:
        found = calcom_requests.booking_at_calcom(appointment, client)
    except DomainError as error:
        detail = "Cal.com refused, and cannot be asked whether it booked all the same."
        raise OutcomeUnknown("calcom_outcome_unknown", detail) from error
    return found if found and found.status in ("accepted", "pending") else None


def _request(booked: Booked) -> "NewBooking":
    event_type = booked.service.event_type(booked.staff.id)
    if event_type is None:
        raise VendorRefused("calcom_no_event_type", f"{booked.service.name} has no Cal.com event type; set one.")
    appointment = booked.appointment
    call = {"call_id": appointment.call_id} if appointment.call_id else {}
    return calcom_requests.new_booking(appointment, event_type, booked.contact, booked.schedule.branch, **call)


def _refused(context: ChangeContext[Appointment], booked: Booked) -> RefusedRequest:
    appointment = booked.appointment
    return RefusedRequest(
        company_id=appointment.company_id,
        branch_id=appointment.branch_id,
        service=booked.service,
        staff=booked.staff.id,
        starts_at=appointment.starts_at,
        now=context.clock(),
        customer_id=appointment.customer_id,
        address=appointment.address,
        other_branches=appointment.source != "retell_phone",
    )
