"""Changes whose fate at the provider is not known: ask it, then make or drop them; nothing else lets their time go."""

from contextlib import closing

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import ExternalBooking, connect
from chalicelib.booking.jobs import CancelLeftover, SettleChange
from chalicelib.booking.provider import pending_change, requests
from chalicelib.booking.provider.reconcile_booking import AGAIN_SECONDS, SURE_AFTER
from chalicelib.booking.provider.requests import provider_of
from chalicelib.core.jobs import JobContext, Postpone

LEFTOVER_REASON = "Replaced by another booking"


def settle_change(job: SettleChange, context: JobContext) -> None:
    """Settle one pending change. Does nothing when it is settled already."""
    held = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if held is None or held.pending_change is None or held.pending_change.id != job.change_id:
        return
    if held.status == "held":
        return  # a cancellation of what the provider has yet to book: `reconcile` settles the booking first
    with closing(provider_of(held).connect()) as client:
        change: ChangeContext[Appointment] = ChangeContext(
            context.unit, job.company_id, context.clock, connect=lambda _: client
        )
        _settle(change, held, requests.read(held, client))


def _settle(context: ChangeContext[Appointment], held: Appointment, found: ExternalBooking | None) -> None:
    change, provider = held.pending_change, provider_of(held)
    assert change
    if found and pending_change.outcome_of(held, found) != "untouched":
        pending_change.settle(context, held, found)
    elif context.clock() - change.since < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, f"{provider.title} may still be working on it")
    elif found and change.kind == "cancel":
        # Whoever cancelled has left: it is asked for again rather than taken back.
        if pending_change.carry_out(context, held).pending_change:
            raise Postpone(AGAIN_SECONDS, f"{provider.title} did not say whether it cancelled")
    else:
        pending_change.drop(context, held, provider.named("{}_never_changed" if found else "{}_not_found"))


def cancel_leftover(job: CancelLeftover, context: JobContext) -> None:
    """Cancel a booking at a provider that nothing here stands for. Does nothing when it is cancelled already."""
    with closing(connect(job.provider)) as client:
        booking = client.find(job.uid)
        if booking and booking.stands:
            client.cancel(str(booking.id), LEFTOVER_REASON)
