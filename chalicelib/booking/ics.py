"""Appointments as iCalendar (RFC 5545): one as a file, many as a feed that calendars subscribe to."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from icalendar import Calendar, Event

from chalicelib.booking.appointment import OVER, Appointment

CONTENT_TYPE = "text/calendar; charset=utf-8"
REFRESH = timedelta(minutes=30)
_STATUS = {"requested": "TENTATIVE", "held": "TENTATIVE"}


def calendar_of(appointments: Iterable[Appointment], titles: dict[str, str], name: str, places: dict[str, str]) -> str:
    """The calendar `name`. `titles`: a service's name by its id; `places`: a branch's name by its id.

    Nobody's personal data is in it: feeds travel through calendars of all kinds. UID and SEQUENCE follow the
    appointment and its version, so that a calendar moves an event instead of showing it twice.
    """
    found = Calendar()
    found.add("prodid", "-//PilotPractice//appointments//EN")
    found.add("version", "2.0")
    found.add("calscale", "GREGORIAN")
    found.add("name", name)
    found.add("x-wr-calname", name)
    found.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for appointment in appointments:
        title = titles.get(appointment.service_id, "Appointment")
        found.add_component(_event(appointment, title, places.get(appointment.branch_id, "")))
    text: str = found.to_ical().decode()
    return text


def _event(appointment: Appointment, title: str, place: str) -> Event:
    event = Event()
    event.add("uid", f"{appointment.id}@pilotpractice")
    event.add("sequence", appointment.version - 1)
    event.add("dtstamp", appointment.updated_at.astimezone(UTC))
    event.add("created", appointment.created_at.astimezone(UTC))
    event.add("last-modified", appointment.updated_at.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", title)
    if place:
        event.add("location", place)
    event.add("status", "CANCELLED" if appointment.status in OVER else _STATUS.get(appointment.status, "CONFIRMED"))
    return event
