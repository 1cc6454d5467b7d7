"""Holds whose fate at Cal.com is not known: ask Cal.com, then confirm or release; nothing else releases them."""

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.booking import calcom_booking, placing, store
from chalicelib.booking.appointment import Appointment
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.core.jobs import JobContext, Postpone

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom

SURE_AFTER = timedelta(seconds=75)
"""A request that Cal.com has not shown by then was never taken: our own wait for its answer ends long before."""
AGAIN_SECONDS = 60


def reconcile(job: ReconcileBooking, context: JobContext) -> None:
    """Settle one hold. Does nothing when it is settled already."""
    appointment = store.find_appointment(job.company_id, job.appointment_id)
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
        calcom_booking.confirm(appointment, found, context.unit, context.clock)
    elif context.clock() - appointment.created_at < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, "Cal.com may still be working on it")
    else:
        reason = "calcom_cancelled" if found else "calcom_never_booked"
        calcom_booking.release(appointment, reason, context.unit, context.clock)


def booking_at_calcom(appointment: Appointment, calcom: "CalCom") -> "Booking | None":
    """The booking whose metadata names the appointment, looked for by event type and time."""
    schedule = placing.schedule_for(appointment)
    service = schedule.service(appointment.service_id, "service")
    event_type = service.event_type(appointment.staff_id or "*")
    if event_type is None:
        return None
    margin = timedelta(hours=1)
    for booking in calcom.bookings(event_type, appointment.starts_at - margin, appointment.ends_at + margin):
        if booking.metadata.get("appointment_id") == appointment.id:
            return booking
    return None
