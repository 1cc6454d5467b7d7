"""Hold, provider, confirm: taking a held appointment to its provider, and writing down what the provider said."""

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import RefusedRequest, SlotTaken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, booked_event
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import BookingProvider, ExternalBooking, NewExternalBooking
from chalicelib.booking.creation.book import Booked
from chalicelib.booking.events import AppointmentReleased
from chalicelib.booking.jobs import SettleChange
from chalicelib.booking.provider import requests
from chalicelib.booking.provider.commit import add_to_settled, claim_references, commit, while_open
from chalicelib.booking.provider.requests import provider_of
from chalicelib.booking.provider.state import who_comes
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown
from chalicelib.core.logging import log
from chalicelib.core.references import updated


def confirm_with_provider(context: ChangeContext[Appointment], booked: Booked, client: BookingProvider) -> Appointment:
    """Book the held appointment at its provider; returns it confirmed.

    The provider says the slot is taken: the hold is released, SlotTaken. It refuses otherwise, or surely never got the
    request: released, and its error goes on. It may have booked without saying so: the hold stays, OutcomeUnknown;
    `ReconcileBooking` asks it later. What it refuses is looked for before it is released.
    """
    appointment = booked.appointment
    try:
        made = client.create(_request(booked))
    except OutcomeUnknown:
        log.warning("provider's outcome unknown", extra=_where(appointment))
        raise
    except DomainError as refusal:
        log.info("provider refused", extra=_where(appointment) | {"code": refusal.code})
        found = _made_all_the_same(appointment, refusal, client)
        if found is None:
            release(context, appointment, refusal.code)
            if isinstance(refusal, Conflict):
                raise SlotTaken(_refused(context, booked)) from None
            raise
        made = found
    return confirm(context, appointment, made)


def confirm(context: ChangeContext[Appointment], held: Appointment, made: ExternalBooking) -> Appointment:
    """Write down that the provider has it. Idempotent: a webhook or a job may have been faster."""

    def write(current: Appointment) -> Appointment:
        status = "requested" if made.status == "requested" else "confirmed"
        confirmed = current.changed(
            context.clock(),
            status=status,
            booked_as=None if status == "requested" else "confirmed",
            provider=made.provider,
            references=updated(current.references, made.references),
            external_seen_at=made.told_at,
            **who_comes(made),
        )
        unit = context.new_unit()
        claim_references(unit, confirmed)
        change = confirmed.pending_change
        if change:
            # It was cancelled before the provider had said that it has it.
            unit.enqueue(
                SettleChange(company_id=confirmed.company_id, appointment_id=confirmed.id, change_id=change.id)
            )
        unit.publish(booked_event(confirmed))
        unit.audit("appointment.confirmed", confirmed.id, ("status", "references"))
        return commit(context, unit, confirmed)

    current, mine = while_open(held, lambda one: one.status == "held", write)
    if not mine and context.hook and current.status in ("confirmed", "requested"):
        return add_to_settled(context, current)
    return current


def ask_again(context: ChangeContext[Appointment], held: Appointment, client: BookingProvider) -> Appointment:
    """The held appointment, confirmed if the provider turns out to have it; as it is if it cannot be asked now."""
    try:
        found = requests.search(held, client)
    except DomainError as error:
        log.warning("provider cannot be asked", extra=_where(held) | {"code": error.code})
        return held
    return confirm(context, held, found) if found and found.stands else held


def release(context: ChangeContext[Appointment], held: Appointment, reason: str) -> Appointment:
    """Give up a hold that the provider surely does not have. Idempotent; leaves alone what is no longer held."""

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


def _made_all_the_same(
    appointment: Appointment, refusal: DomainError, client: BookingProvider
) -> ExternalBooking | None:
    provider = provider_of(appointment)
    if provider.surely_undone(refusal):
        return None
    try:
        found = requests.search(appointment, client)
    except DomainError as error:
        detail = f"{provider.title} refused, and cannot be asked whether it booked all the same."
        raise OutcomeUnknown(provider.named("{}_outcome_unknown"), detail) from error
    return found if found and found.stands else None


def _request(booked: Booked) -> NewExternalBooking:
    appointment = booked.appointment
    call = {"call_id": appointment.call_id} if appointment.call_id else {}
    return requests.new_booking(appointment, booked.schedule, booked.service, booked.contact, **call)


def _where(appointment: Appointment) -> dict[str, str]:
    return {"appointment_id": appointment.id, "provider": str(appointment.provider)}


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
