"""Telling Cal.com what we know and it need not agree to: no-shows, attendees, guests."""

from contextlib import closing
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext, connect
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.apply import apply_external_state
from chalicelib.booking.calcom.state import as_event, external_of, report_of
from chalicelib.booking.jobs import TellCalCom
from chalicelib.core.jobs import JobContext

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import Booking, CalCom


def tell(job: TellCalCom, context: JobContext) -> None:
    """Bring Cal.com's booking up to ours in these respects, asking first; does nothing where it is.

    What Cal.com says afterwards is noted, so that hearing it again is no news.
    """
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if appointment is None or appointment.external_id is None or appointment.status in OVER:
        return
    with closing(connect()) as client:
        booking = calcom_requests.latest(appointment.external_id, client)
        if booking is None or booking.uid != appointment.external_id:
            return  # moved there meanwhile: what is to be told of that comes with the news of it
        if _push(appointment, booking, client):
            booking = client.booking(booking.uid)
    change: ChangeContext[Appointment] = ChangeContext(context.unit, job.company_id, context.clock)
    apply_external_state(change, appointment, report_of(booking))


def _push(appointment: Appointment, booking: "Booking", client: "CalCom") -> bool:
    """Whether there was anything to tell."""
    theirs, ours = external_of(as_event(booking).payload), appointment.attendee
    missed = appointment.status == "no_show"
    if missed != theirs.absent:
        emails = [one.email for one in booking.attendees if one.email]
        client.mark_absent(booking.uid, dict.fromkeys(emails, missed))
    known = {*theirs.guests, (theirs.attendee.email or "").lower() if theirs.attendee else ""}
    added = ours.email.lower() if ours and ours.email else ""
    is_new = ours is not None and added != "" and added not in known
    if ours and is_new:
        zone = next((one.time_zone for one in booking.attendees if one.time_zone), "UTC")
        client.add_attendee(booking.uid, ours.name or added, added, zone, ours.phone)
    guests = [guest for guest in appointment.guests if guest not in {*known, added}]
    if guests:
        client.add_guests(booking.uid, guests)
    return missed != theirs.absent or bool(guests) or is_new
