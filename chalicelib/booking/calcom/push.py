"""Telling Cal.com what we know and it need not agree to: no-shows, attendees, guests."""

from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.apply import bring_in_line
from chalicelib.booking.calcom.state import STATUS_OF, as_event, there_of
from chalicelib.booking.jobs import TellCalCom
from chalicelib.core.jobs import JobContext

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom


def tell(job: TellCalCom, context: JobContext) -> None:
    """Bring Cal.com's booking up to ours in these respects, asking first; does nothing where it is.

    What Cal.com says afterwards is noted, so that hearing it again is no news.
    """
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if appointment is None or appointment.external_id is None or appointment.status in OVER:
        return
    from chalicelib.vendors.calcom import connected

    client = connected()
    try:
        booking = calcom_requests.latest(appointment.external_id, client)
        if booking is None or booking.uid != appointment.external_id:
            return  # moved there meanwhile: what is to be told of that comes with the news of it
        if _tell(appointment, booking, client):
            booking = client.booking(booking.uid)
    finally:
        client.close()
    bring_in_line(appointment, as_event(booking), STATUS_OF[booking.status], context.unit, context.clock)


def _tell(appointment: Appointment, booking: "Booking", client: "CalCom") -> bool:
    """Whether there was anything to tell."""
    said = there_of(as_event(booking).payload)
    missed = appointment.status == "no_show"
    if missed != said.absent:
        emails = [one.email for one in booking.attendees if one.email]
        client.mark_absent(booking.uid, dict.fromkeys(emails, missed))
    known = {*said.guests, (said.attendee.email or "").lower() if said.attendee else ""}
    mine = appointment.attendee
    added = mine.email.lower() if mine and mine.email else ""
    if mine and added and added not in known:
        zone = next((one.time_zone for one in booking.attendees if one.time_zone), "UTC")
        client.add_attendee(booking.uid, mine.name or added, added, zone, mine.phone)
    guests = [guest for guest in appointment.guests if guest not in {*known, added}]
    if guests:
        client.add_guests(booking.uid, guests)
    return missed != said.absent or bool(guests) or (added != "" and added not in known)
