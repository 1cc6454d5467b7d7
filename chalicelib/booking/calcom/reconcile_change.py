"""Changes whose fate at Cal.com is not known: ask Cal.com, then make or drop them; nothing else lets their time go."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.jobs import CancelLeftover, SettleChange
from chalicelib.core.jobs import JobContext, Postpone

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom

SURE_AFTER = timedelta(seconds=75)
"""A request that Cal.com has not acted on by then was never taken: our own wait for its answer ends long before."""
AGAIN_SECONDS = 60
LEFTOVER_REASON = "Replaced by another booking"


def settle_change(job: SettleChange, context: JobContext) -> None:
    """Settle one pending change. Does nothing when it is settled already."""
    held = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if held is None or held.pending_change is None or held.pending_change.id != job.change_id:
        return
    if held.status == "held":
        return  # a cancellation of what Cal.com has yet to book: `reconcile` settles the booking first
    from chalicelib.vendors.calcom import connected

    client = connected()
    try:
        _settle(held, calcom_requests.read(held, client), client, context)
    finally:
        client.close()


def _settle(held: Appointment, found: "Booking | None", client: "CalCom", context: JobContext) -> None:
    change = held.pending_change
    assert change
    if found and pending_change.outcome_of(held, found) != "untouched":
        pending_change.settle(held, found, context.unit, context.clock)
    elif context.clock() - change.since < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "Cal.com may still be working on it")
    elif found and change.kind == "cancel":
        # Whoever cancelled has left: it is asked for again rather than taken back.
        if pending_change.carry_out(held, lambda: client, context.unit, context.clock).pending_change:
            raise Postpone(AGAIN_SECONDS, "Cal.com did not say whether it cancelled")
    else:
        reason = "calcom_never_changed" if found else "calcom_not_found"
        pending_change.drop(held, reason, context.unit, context.clock)


def cancel_leftover(job: CancelLeftover, context: JobContext) -> None:
    """Cancel a booking at Cal.com that nothing here stands for. Does nothing when it is cancelled already."""
    from chalicelib.vendors.calcom import connected

    client = connected()
    try:
        booking = calcom_requests.latest(job.uid, client)
        if booking and booking.status in ("accepted", "pending"):
            client.cancel(booking.uid, LEFTOVER_REASON)
    finally:
        client.close()
