"""Holds whose fate at Cal.com is not known: ask Cal.com, then confirm or release; nothing else releases them."""

from contextlib import closing
from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext, connect
from chalicelib.booking.calcom import book as calcom_book
from chalicelib.booking.calcom.apply import confirm_held
from chalicelib.booking.calcom.requests import booking_at_calcom
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.core.jobs import JobContext, Postpone

SURE_AFTER = timedelta(seconds=75)
"""A request that Cal.com has not shown by then was never taken: our own wait for its answer ends long before."""
AGAIN_SECONDS = 60


def reconcile(job: ReconcileBooking, context: JobContext) -> None:
    """Settle one hold. Does nothing when it is settled already."""
    held = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if held is None or held.status != "held":
        return
    with closing(connect()) as client:
        found = booking_at_calcom(held, client)
    change: ChangeContext[Appointment] = ChangeContext(context.unit, job.company_id, context.clock)
    if found and found.status in ("accepted", "pending"):
        confirm_held(change, held, found)
    elif context.clock() - held.created_at < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "Cal.com may still be working on it")
    else:
        calcom_book.release(change, held, "calcom_cancelled" if found else "calcom_never_booked")
