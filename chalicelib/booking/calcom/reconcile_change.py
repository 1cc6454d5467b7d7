"""Changes whose fate at Cal.com is not known: ask Cal.com, then make or drop them; nothing else lets their time go."""

from contextlib import closing
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext, connect
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.reconcile_booking import AGAIN_SECONDS, SURE_AFTER
from chalicelib.booking.jobs import CancelLeftover, SettleChange
from chalicelib.core.jobs import JobContext, Postpone

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import Booking

LEFTOVER_REASON = "Replaced by another booking"


def settle_change(job: SettleChange, context: JobContext) -> None:
    """Settle one pending change. Does nothing when it is settled already."""
    held = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if held is None or held.pending_change is None or held.pending_change.id != job.change_id:
        return
    if held.status == "held":
        return  # a cancellation of what Cal.com has yet to book: `reconcile` settles the booking first
    with closing(connect()) as client:
        change: ChangeContext[Appointment] = ChangeContext(
            context.unit, job.company_id, context.clock, calcom=lambda: client
        )
        _settle(change, held, calcom_requests.read(held, client))


def _settle(context: ChangeContext[Appointment], held: Appointment, found: "Booking | None") -> None:
    change = held.pending_change
    assert change
    if found and pending_change.outcome_of(held, found) != "untouched":
        pending_change.settle(context, held, found)
    elif context.clock() - change.since < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "Cal.com may still be working on it")
    elif found and change.kind == "cancel":
        # Whoever cancelled has left: it is asked for again rather than taken back.
        if pending_change.carry_out(context, held).pending_change:
            raise Postpone(AGAIN_SECONDS, "Cal.com did not say whether it cancelled")
    else:
        pending_change.drop(context, held, "calcom_never_changed" if found else "calcom_not_found")


def cancel_leftover(job: CancelLeftover, context: JobContext) -> None:
    """Cancel a booking at Cal.com that nothing here stands for. Does nothing when it is cancelled already."""
    with closing(connect()) as client:
        booking = calcom_requests.latest(job.uid, client)
        if booking and booking.status in ("accepted", "pending"):
            client.cancel(booking.uid, LEFTOVER_REASON)
