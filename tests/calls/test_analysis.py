"""What a booking left in a call's record is read whatever shape it has, and named where it cannot be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.calls.analysis import BookingData, booking_in_analysis, read_booking

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["uid", "id", "startTime", "event_type", "booking", "attendees", "duration", "booking_confirmed"]
)


def test_what_our_own_function_wrote() -> None:
    args = {"service": "Consultation", "starts_at": "2026-12-01T10:00", "name": "Eve", "email": None, "staff": "Ada"}
    assert read_booking(args) == BookingData(
        service="Consultation", starts_at="2026-12-01T10:00", name="Eve", staff="Ada"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"calcom_uid": "u1", "calcom_booking_id": 77, "event_type_id": 101, "start_time": "2026-12-01T09:00:00Z"},
        {"Calcom UID": "u1", "booking-id": "77", "eventTypeId": "101.0", "start": 1796115600},
        {"booking": {"uid": "u1", "id": 77, "eventType": {"id": 101}, "start": "2026-12-01T09:00:00Z"}},
        {"booking_details": '{"uid": "u1", "bookingId": "#77", "eventTypeId": 101, "startTime": 1796115600000}'},
        {"data": {"uid": "u1", "id": 77, "attendees": [{"id": 3}]}, "event_type": 101, "startTime": "1796115600"},
    ],
)
def test_the_shapes_that_agents_leave(given: dict[str, Any]) -> None:
    found = read_booking(given)
    assert (found.booking_id, found.booking_number, found.event_type) == ("u1", 77, 101)
    assert found.starts_at in ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00+00:00")
    assert found.unreadable == ()


def test_a_persons_id_is_no_bookings() -> None:
    found = read_booking({"attendee": {"id": 5, "name": "Eve", "phoneNumber": "+49151", "timeZone": "Europe/Rome"}})
    assert found == BookingData(name="Eve", phone="+49151", zone="Europe/Rome")


def test_what_cannot_be_read_is_named() -> None:
    found = read_booking({"calcom_booking_id": "soon", "event_type_id": True, "start_time": 12, "duration": -5})
    assert found == BookingData(unreadable=("booking_number", "event_type", "starts_at", "minutes"))


@pytest.mark.parametrize(
    ("data", "confirmed"),
    [
        ({"calcom_uid": "u1"}, True),
        ({"booking_id": 7, "booking_confirmed": False}, True),
        ({"appointment_booked": "Yes", "start_time": "2026-12-01T09:00:00Z"}, True),
        ({"appointment_booked": "no", "start_time": "2026-12-01T09:00:00Z"}, None),
        ({"appointment_booked": True}, None),
        ({"mood": "good"}, None),
        ("text", None),
        (None, None),
    ],
)
def test_an_analysis_holds_a_booking_or_not(data: Any, confirmed: bool | None) -> None:
    found = booking_in_analysis(data)
    assert (found and found[1]) == confirmed


@given(st.dictionaries(NAMES | st.text(max_size=10), JSON, max_size=6))
def test_nothing_makes_it_fail(given: dict[str, Any]) -> None:
    assert isinstance(read_booking(given), BookingData)
    booking_in_analysis(given)
