"""Telling a provider what we know and it need not agree to: no-shows, attendees, guests."""

from contextlib import closing

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import ExternalBooking, Push, connect
from chalicelib.booking.jobs import PushBooking
from chalicelib.booking.provider.apply import apply_external_state
from chalicelib.booking.provider.state import external_of
from chalicelib.core.jobs import JobContext


def tell(job: PushBooking, context: JobContext) -> None:
    """Bring the provider's booking up to ours in these respects, asking first; does nothing where it is.

    What the provider says afterwards is noted, so that hearing it again is no news.
    """
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if appointment is None or appointment.external_id is None or appointment.status in OVER:
        return
    with closing(connect(str(appointment.provider))) as client:
        booking = client.find(appointment.external_id)
        if booking is None or booking.id != appointment.external_id:
            return  # moved there meanwhile: what is to be told of that comes with the news of it
        push = push_for(appointment, booking)
        if push:
            booking = client.push(booking, push)
    change: ChangeContext[Appointment] = ChangeContext(context.unit, job.company_id, context.clock)
    apply_external_state(change, appointment, booking)


def push_for(appointment: Appointment, booking: ExternalBooking) -> Push:
    """What the provider is to be told; false when there is nothing to tell."""
    theirs, ours = external_of(booking), appointment.attendee
    missed = appointment.status == "no_show"
    known = {*theirs.guests, (theirs.attendee.email or "").lower() if theirs.attendee else ""}
    added = ours.email.lower() if ours and ours.email else ""
    return Push(
        absent=missed if missed != theirs.absent else None,
        attendee=ours if added not in {*known, ""} else None,
        guests=tuple(guest for guest in appointment.guests if guest not in {*known, added}),
        # Whom the provider has had added since it was last heard of is news, and nobody to be taken off.
        gone=tuple(sorted({*theirs.guests}.intersection(appointment.external.guests) - {*appointment.guests, added})),
    )
