"""What Cal.com says, by its API or a webhook, as a provider's word."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.booking.appointments.appointment import BOOKING, BOOKING_NUMBER, Attendee
from chalicelib.core.references import Reference
from chalicelib.integrations.calcom.translate import external_booking_in, external_booking_of
from chalicelib.vendors.calcom.client import BookedPerson, Booking
from chalicelib.vendors.calcom.webhook import BookingPayload, CalComEvent, Person

AT = datetime(2026, 3, 30, 9, tzinfo=UTC)
EVE = BookedPerson(name="Eve", email="eve@example.com", phone_number="+4915112345678")


def booking(**fields: Any) -> Booking:
    known: dict[str, Any] = {"id": 7, "uid": "u", "status": "accepted", "start": AT, "end": AT}
    return Booking(**(known | fields))


def event(trigger: str, **fields: Any) -> CalComEvent:
    known: dict[str, Any] = {"uid": "u", "start_time": AT}
    payload = BookingPayload(**(known | fields))
    return CalComEvent(trigger=trigger, created_at=AT, payload=payload, body_digest="")


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("accepted", "confirmed"),
        ("pending", "requested"),
        ("cancelled", "cancelled"),
        ("rejected", "declined"),
        ("odd", None),
    ],
)
def test_a_status_we_know_and_one_we_do_not(status: str, ours: str | None) -> None:
    assert external_booking_of(booking(status=status)).status == ours


@pytest.mark.parametrize(
    ("trigger", "status", "ours", "moved"),
    [
        ("BOOKING_CREATED", "ACCEPTED", "confirmed", False),
        ("BOOKING_REQUESTED", None, "requested", False),
        ("BOOKING_RESCHEDULED", "PENDING", "requested", True),
        ("BOOKING_RESCHEDULED", "CANCELLED", "confirmed", True),
        ("BOOKING_CANCELLED", "ACCEPTED", "cancelled", False),
        ("BOOKING_REJECTED", None, "declined", False),
        ("BOOKING_NO_SHOW_UPDATED", "ACCEPTED", None, False),
    ],
)
def test_what_a_webhook_says_of_the_status(trigger: str, status: str | None, ours: str | None, moved: bool) -> None:
    reported = external_booking_in(event(trigger, status=status))
    assert (reported.status, reported.moved) == (ours, moved)


def test_its_two_ids_are_references_the_one_it_is_asked_by_first() -> None:
    assert external_booking_of(booking()).references == (
        Reference("calcom", BOOKING, "u"),
        Reference("calcom", BOOKING_NUMBER, "7"),
    )
    assert external_booking_in(event("BOOKING_CREATED")).references == (Reference("calcom", BOOKING, "u"),)


def test_a_booking_that_replaces_another_has_moved_once_it_stands() -> None:
    assert external_booking_of(booking(rescheduled_from_uid="before")).moved
    waits = external_booking_of(booking(rescheduled_from_uid="before", status="pending"))
    assert (waits.moved, waits.replaces) == (False, "before")


def test_an_address_that_calcom_made_up_is_nobodys() -> None:
    made_up = BookedPerson(name="Finn", email="49151@sms.cal.com", phone_number="+49151")
    reported = external_booking_of(booking(attendees=[made_up, EVE], guests=["tom@example.com"]))
    assert reported.attendee == Attendee(name="Finn", phone="+49151")
    assert reported.guests == ("eve@example.com", "tom@example.com")


def test_a_no_show_names_nobody_and_says_who_was_absent() -> None:
    reported = external_booking_in(
        event("BOOKING_NO_SHOW_UPDATED", attendees=[Person(email="eve@example.com", no_show=True)])
    )
    assert (reported.attendee, reported.guests, reported.absent) == (None, (), True)
    assert external_booking_of(booking(attendees=[EVE])).absent is None


def test_metadata_that_is_no_text_is_no_mark() -> None:
    assert external_booking_of(booking(metadata={"appointment_id": 7, "company_id": "com"})).marks == {
        "company_id": "com"
    }
