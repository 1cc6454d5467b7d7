"""Appointments as iCalendar (RFC 5545): one as a file, many as a feed that calendars subscribe to."""

from collections.abc import Iterable
from datetime import UTC, timedelta

import msgspec
from icalendar import Calendar, Event, vCalAddress

from chalicelib.booking.appointments.appointment import OVER, Appointment

CONTENT_TYPE = "text/calendar; charset=utf-8"
REFRESH = timedelta(minutes=30)
_STATUS = {"requested": "TENTATIVE", "held": "TENTATIVE"}


def calendar_of(appointments: Iterable[Appointment], titles: dict[str, str], name: str, places: dict[str, str]) -> str:
    """The calendar `name`. `titles`: a service's name by its id; `places`: a branch's name by its id.

    Nobody's personal data is in it: feeds travel through calendars of all kinds. UID and SEQUENCE follow the
    appointment and its version, so that a calendar moves an event instead of showing it twice.
    """
    found = _calendar()
    found.add("name", name)
    found.add("x-wr-calname", name)
    found.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for appointment in appointments:
        title = titles.get(appointment.service_id, "Appointment")
        found.add_component(_event(appointment, title, places.get(appointment.branch_id, "")))
    text: str = found.to_ical().decode()
    return text


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes, and who asks them to: names and e-mail addresses."""

    by: str
    by_email: str
    name: str
    email: str


def invitation(appointment: Appointment, title: str, place: str, method: str, who: Invited) -> bytes:
    """One appointment to be put into (`method` REQUEST) or taken out of (CANCEL) the calendar of whoever comes.

    The event is the feed's (same UID, same SEQUENCE), so that someone who has both sees it once.
    """
    found, event = _calendar(method), _event(appointment, title, place)
    event.add("organizer", _address(who.by_email, {"CN": who.by}))
    answered = {"CN": who.name or who.email, "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}
    event.add("attendee", _address(who.email, answered))
    found.add_component(event)
    ical: bytes = found.to_ical()
    return ical


def publication(appointments: Iterable[Appointment], title: str, place: str, by: str, by_email: str) -> bytes:
    """Several appointments in one file, to be taken over (METHOD PUBLISH): an invitation is about a single one."""
    found = _calendar("PUBLISH")
    for appointment in appointments:
        event = _event(appointment, title, place)
        event.add("organizer", _address(by_email, {"CN": by}))
        found.add_component(event)
    ical: bytes = found.to_ical()
    return ical


def _calendar(method: str = "") -> Calendar:
    found = Calendar()
    found.add("prodid", "-//PilotPractice//appointments//EN")
    found.add("version", "2.0")
    found.add("calscale", "GREGORIAN")
    if method:
        found.add("method", method)
    return found


def _address(email: str, parameters: dict[str, str]) -> vCalAddress:
    address = vCalAddress(f"mailto:{email}")
    for name, value in parameters.items():
        address.params[name] = value
    return address


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
