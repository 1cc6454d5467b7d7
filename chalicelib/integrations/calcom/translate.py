"""What Cal.com says of a booking, by its API or by a webhook, as a provider's word; and the references it gives."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.booking.appointments.appointment import BOOKING, BOOKING_NUMBER, Attendee, Status
from chalicelib.booking.appointments.external import ExternalBooking, ExternalHost
from chalicelib.core.references import Reference
from chalicelib.vendors.calcom.webhook import BookingPayload, CalComEvent, Person

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import BookedPerson, Booking

NAME = "calcom"
STATUS_OF: dict[str, Status] = {
    "accepted": "confirmed",
    "pending": "requested",
    "cancelled": "cancelled",
    "rejected": "declined",
}
STATUS_AFTER: dict[str, Status] = {
    "BOOKING_CREATED": "confirmed",
    "BOOKING_RESCHEDULED": "confirmed",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_CANCELLED": "cancelled",
    "BOOKING_REJECTED": "declined",
}
NO_SHOW = "BOOKING_NO_SHOW_UPDATED"
MADE_UP = re.compile(r"@sms\.cal\.[a-z.]+$", re.I)
"""The end of the address that Cal.com makes up for whoever gave a phone number only."""
PHONE_ANSWERS = ("attendeePhoneNumber", "phone", "smsReminderNumber", "aiAgentCallPhoneNumber")
PHONE = re.compile(r"\+?[\d\s()./-]+")
FEWEST_DIGITS = 7


def external_booking_of(booking: "Booking") -> ExternalBooking:
    """A booking that was read."""
    people = [_person(one) for one in booking.attendees] + [Person(email=one) for one in booking.guests]
    attendee, guests = _who_comes(people)
    status = STATUS_OF.get(booking.status)
    host = booking.hosts[0] if booking.hosts else None
    return ExternalBooking(
        provider=NAME,
        status=status,
        references=references(booking.uid, booking.id),
        starts_at=booking.start,
        ends_at=booking.end,
        service_id=_text(booking.event_type_id),
        host=ExternalHost(_text(host.id), host.email) if host else ExternalHost(),
        attendee=attendee,
        guests=guests,
        absent=_absent(people),
        marks=_marks(booking.metadata),
        moved=status == "confirmed" and booking.rescheduled_from_uid is not None,
        replaces=booking.rescheduled_from_uid,
        reported_at=booking.updated_at or booking.created_at,
        reason=booking.cancellation_reason,
        original=booking,
    )


def external_booking_in(event: CalComEvent) -> ExternalBooking:
    """A webhook about a booking; one of a no-show says nothing of its status."""
    payload: BookingPayload = event.payload
    attendee, guests = _who_comes(payload.attendees, _phone(payload))
    return ExternalBooking(
        provider=NAME,
        status=_status(event),
        references=references(payload.uid, payload.booking_id),
        starts_at=payload.start_time,
        ends_at=payload.end_time,
        service_id=_text(payload.event_type_id),
        host=ExternalHost(_text(payload.organizer.id), payload.organizer.email)
        if payload.organizer
        else ExternalHost(),
        attendee=attendee,
        guests=guests,
        absent=_absent(payload.attendees),
        marks=_marks(payload.metadata),
        moved=event.trigger == "BOOKING_RESCHEDULED",
        replaces=payload.reschedule_uid,
        reported_at=event.created_at,
        reason=payload.cancellation_reason or payload.rejection_reason,
    )


def references(uid: str | None, number: int | None) -> tuple[Reference, ...]:
    """Cal.com's uid of a booking, by which it is asked, and its number."""
    given = ((BOOKING, uid), (BOOKING_NUMBER, _text(number)))
    return tuple(Reference(NAME, kind, text) for kind, text in given if text is not None)


def _status(event: CalComEvent) -> Status | None:
    after = STATUS_AFTER.get(event.trigger)
    if after not in ("confirmed", "requested"):
        return after
    said = STATUS_OF.get((event.payload.status or "").lower())
    return said if said in ("confirmed", "requested") else after


def _person(one: "BookedPerson") -> Person:
    return Person(name=one.name, email=one.email, phone_number=one.phone_number, no_show=one.absent)


def _who_comes(people: Sequence[Person], phone: str | None = None) -> tuple[Attendee | None, tuple[str, ...]]:
    """The first who is named, and everybody else's address; a no-show's payload names nobody.

    `phone`: the number that the booking names elsewhere, where the attendee has none.
    """
    first = next((one for one in people if one.name or one.phone_number), None)
    if first is None:
        return None, ()
    guests = {address for one in people if one is not first and (address := _address(one))}
    return Attendee(name=first.name or "", email=_address(first), phone=first.phone_number or phone), tuple(
        sorted(guests)
    )


def _phone(payload: BookingPayload) -> str | None:
    """The telephone number in the form's answers, or in the location of a call."""
    answers = (payload.responses.get(name) for name in PHONE_ANSWERS)
    texts = (one.get("value") if isinstance(one, dict) else one for one in (*answers, payload.location))
    found = (_as_number(text) for text in texts if isinstance(text, str))
    return next((number for number in found if number), None)


def _as_number(text: str) -> str | None:
    """A text that is a telephone number and nothing else; a location may be an address or a link."""
    plain = text.strip().removeprefix("tel:")
    return plain if PHONE.fullmatch(plain) and sum(map(str.isdigit, plain)) >= FEWEST_DIGITS else None


def _absent(people: Sequence[Person]) -> bool | None:
    marks = [one.no_show for one in people if one.no_show is not None]
    return any(marks) if marks else None


def _address(one: Person) -> str | None:
    return None if one.email is None or MADE_UP.search(one.email.strip()) else one.email


def _marks(metadata: dict[str, object]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if isinstance(value, str)}


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
