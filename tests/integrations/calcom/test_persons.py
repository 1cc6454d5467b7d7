"""Who comes by what Cal.com says: numbers stand in several places, and made-up addresses are nobody's."""

from typing import Any

import pytest

from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people
from infra.local.demo_practice import Practice
from tests.crm.persons import COMPANY, PHONE, everybody, known
from tests.integrations.calcom.test_webhooks import appointments, deliver, event

MADE_UP = "4915112345678@sms.cal.com"


def created(**fields: Any) -> bytes:
    return event("BOOKING_CREATED", 0, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"responses": {"attendeePhoneNumber": PHONE}},
        {"responses": {"attendeePhoneNumber": {"label": "phone_number", "value": "0151 12345678"}}},
        {"responses": {"phone": "+49 151 12345678"}},
        {"responses": {"smsReminderNumber": {"value": PHONE}}},
        {"responses": {"attendeePhoneNumber": None}, "location": PHONE},
        {"location": "tel:+49-151-12345678"},
        {"responses": {"location": {"value": "x"}}, "location": "(0151) 12345678"},
    ],
)
@pytest.mark.parametrize("email", [MADE_UP, "4915112345678@SMS.cal.com", "eve@example.com"])
def test_the_number_is_kept_wherever_it_stands(
    through_calcom: Practice,
    fields: dict[str, Any],
    email: str,
) -> None:
    assert deliver(created(attendees=[{"name": "Eve Stone", "email": email}], **fields)) == 204
    [eve], [made] = everybody(), appointments()
    real = email if email == "eve@example.com" else None
    assert (eve.name, eve.phone, eve.email) == ("Eve Stone", PHONE, real)
    assert made.attendee
    assert made.attendee.email == real
    assert made.attendee.phone
    assert "sms.cal" not in str(made.guests)


@pytest.mark.parametrize(
    "location", ["https://meet.example.com/0123456789", "integrations:daily", "Hauptstr. 5, 10115 Berlin", "12", ""]
)
def test_a_location_that_is_a_place_is_no_number(through_calcom: Practice, location: str) -> None:
    deliver(created(attendees=[{"name": "Eve Stone", "email": "eve@example.com"}], location=location))
    [eve] = everybody()
    assert eve.phone is None


def test_guests_whose_addresses_are_made_up_are_left_out(through_calcom: Practice) -> None:
    attendees = [{"name": "Eve", "email": "eve@example.com"}, {"name": "", "email": MADE_UP}, {"email": "tom@x.de"}]
    deliver(created(attendees=attendees))
    [made] = appointments()
    assert made.guests == ("tom@x.de",)


def test_whoever_books_there_changes_nothing_of_who_is_known_here(through_calcom: Practice) -> None:
    eve = known(Contact(name="Eve Stone", phone=PHONE))
    deliver(created(attendees=[{"name": "Eve Stone", "email": "mallory@x.de", "phoneNumber": PHONE}]))
    assert people.get(COMPANY, eve.id) == eve
    [made] = appointments()
    assert made.customer_id == eve.id
    deliver(
        event(
            "BOOKING_CREATED",
            0,
            uid="uid-z",
            attendees=[{"name": "Ben Stone", "email": "ben@x.de", "phoneNumber": PHONE}],
        )
    )
    assert [person.name for person in everybody()] == ["Eve Stone", "Ben Stone"]
    assert len(appointments()) == 2
