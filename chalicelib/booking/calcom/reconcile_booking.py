"""Holds whose fate at Cal.com is not known: ask Cal.com, then confirm or release; nothing else releases them."""

from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
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
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if appointment is None or appointment.status != "held":
        return
    # Imported here: nearly every hold is settled long before, and then no HTTP client is needed.
    from chalicelib.vendors.calcom import connected

    calcom = connected()
    try:
        found = booking_at_calcom(appointment, calcom)
    finally:
        calcom.close()
    if found and found.status in ("accepted", "pending"):
        confirm_held(appointment, found, context.unit, context.clock)
    elif context.clock() - appointment.created_at < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "Cal.com may still be working on it")
    else:
        reason = "calcom_cancelled" if found else "calcom_never_booked"
        calcom_book.release(appointment, reason, context.unit, context.clock)
