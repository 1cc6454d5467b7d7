"""Cal.com's signature, bodies and delivery ids."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Invalid, Unauthenticated
from chalicelib.vendors.calcom.webhook import (
    BOOKING_TRIGGERS,
    BookingPayload,
    delivery_id,
    parse_webhook,
    sign,
    verify_signature,
)
from tests.vendors.conftest import Sample

RAW = b'{"triggerEvent":"PING"}'
RIGHT = hmac.new(b"s3cret", RAW, hashlib.sha256).hexdigest()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*BookingPayload.__struct_encode_fields__, "id", "user", "bookingUid"]
TIMES = st.sampled_from(
    ["2024-01-01T10:00:00Z", "0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "2024-01-01"]
)
NEARLY = st.fixed_dictionaries(
    {"triggerEvent": st.sampled_from(sorted(BOOKING_TRIGGERS)) | st.just("OOO_CREATED") | JSON},
    optional={
        "createdAt": TIMES | JSON,
        "uid": JSON,
        "payload": JSON | st.dictionaries(st.sampled_from(FIELDS), TIMES | JSON, max_size=5),
    },
)


def webhook(trigger: str = "BOOKING_CREATED", **payload: Any) -> bytes:
    body = {"triggerEvent": trigger, "createdAt": "2024-01-01T00:00:00Z", "payload": {"uid": "u1", **payload}}
    return json.dumps(body).encode()


def test_the_right_signature_passes_and_is_what_we_make() -> None:
    verify_signature(RAW, RIGHT, ["s3cret"])
    verify_signature(RAW, RIGHT, ["new", "s3cret"])
    assert sign(RAW, "s3cret") == RIGHT


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        (None, ["s3cret"]),
        ("", ["s3cret"]),
        ("no-secret-provided", ["s3cret"]),
        ("no-secret-provided", []),
        (RIGHT.upper(), ["s3cret"]),
        (RIGHT + "\n", ["s3cret"]),
        ("sha256=" + RIGHT, ["s3cret"]),
        (RIGHT[:-1] + ("0" if RIGHT[-1] != "0" else "1"), ["s3cret"]),
        (RIGHT, ["other"]),
        (RIGHT, []),
        (sign(RAW, ""), [""]),
        ("é" * 64, ["s3cret"]),
    ],
)
def test_any_other_signature_is_refused(header: str | None, secrets: list[str]) -> None:
    with pytest.raises(Unauthenticated) as raised:
        verify_signature(RAW, header, secrets)
    assert raised.value.code == "bad_signature"


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify_signature(RAW + b" ", RIGHT, ["s3cret"])


@pytest.mark.parametrize("trigger", sorted(BOOKING_TRIGGERS))
def test_every_documented_sample_is_read(sample: Sample, trigger: str) -> None:
    event = parse_webhook(sample("calcom", trigger))
    assert event.trigger == trigger
    assert event.payload.uid
    assert event.payload.booking_id in (100, 200, 201)
    assert event.created_at is not None
    assert event.created_at.tzinfo is UTC


def test_a_created_booking_has_all_we_need(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "BOOKING_CREATED")).payload
    assert (payload.uid, payload.booking_id, payload.event_type_id) == ("unique-booking-id", 100, 123)
    assert payload.start_time == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert payload.end_time == datetime(2024, 1, 1, 10, 15, tzinfo=UTC)
    assert payload.status == "ACCEPTED"
    assert payload.ical_uid == "unique-identifier-string@example.com"
    assert payload.organizer is not None
    assert payload.organizer.email == "organizer@example.com"
    assert [one.name for one in payload.attendees] == ["Guest User", "Additional Guest"]
    assert payload.metadata == {"videoCallUrl": "https://app.example.com/video/unique-booking-id"}


def test_a_reschedule_names_old_and_new(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "BOOKING_RESCHEDULED")).payload
    assert (payload.uid, payload.reschedule_uid) == ("new-booking-unique-id", "previous-booking-unique-id")
    assert (payload.booking_id, payload.reschedule_id) == (201, 200)
    assert payload.reschedule_start_time == datetime(2024, 1, 5, 14, 30, tzinfo=UTC)


def test_a_cancellation_has_its_reason_and_an_offset_instead_of_z(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "BOOKING_CANCELLED")).payload
    assert payload.cancellation_reason == "I am no longer able to attend this session."
    assert payload.start_time == datetime(2024, 1, 4, 10, tzinfo=UTC)


def test_a_rejection_has_its_reason(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "BOOKING_REJECTED")).payload
    assert payload.rejection_reason == "The organizer is no longer available at this time."


def test_meetings_have_their_booking_at_the_root(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "MEETING_STARTED")).payload
    assert (payload.uid, payload.booking_id, payload.event_type_id) == ("unique-booking-identifier", 100, 50)
    assert payload.organizer is not None
    assert payload.organizer.username == "organizer-handle"


def test_a_no_show_calls_its_uid_otherwise(sample: Sample) -> None:
    payload = parse_webhook(sample("calcom", "BOOKING_NO_SHOW_UPDATED")).payload
    assert payload.uid == "unique-booking-identifier"
    assert payload.attendees[0].no_show is False


def test_nulls_and_unknown_fields_are_no_fault() -> None:
    nulls: dict[str, Any] = {
        name: None for name in BookingPayload.__struct_encode_fields__ if name not in ("uid", "attendees")
    }
    payload = parse_webhook(webhook(**nulls, attendees=[None, {"name": None}], brandNew=1)).payload
    assert payload.uid == "u1"
    assert len(payload.attendees) == 1


@pytest.mark.parametrize("payload", [{}, {"attendees": 5, "startTime": "soon"}, [1], "text", None])
def test_an_unknown_trigger_may_have_any_payload(payload: Any) -> None:
    body = {"triggerEvent": "FORM_SUBMITTED", "createdAt": "2024-01-01T00:00:00Z", "payload": payload}
    assert parse_webhook(json.dumps(body).encode()).payload == BookingPayload()


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        (b"{}", ["body.triggerEvent"]),
        (b'{"triggerEvent":7,"createdAt":"yesterday"}', ["body.triggerEvent", "body.createdAt"]),
        (b'{"triggerEvent":"BOOKING_CREATED"}', ["body.payload"]),
        (b'{"triggerEvent":"BOOKING_CREATED","payload":{}}', ["body.payload.uid"]),
        (b'{"triggerEvent":"MEETING_ENDED","id":1}', ["body.uid"]),
        (webhook(uid=5), ["body.payload.uid"]),
        (webhook(startTime="2024-01-01T10:00:00"), ["body.payload.startTime"]),  # no offset
        (webhook(startTime="2024-01-01"), ["body.payload.startTime"]),
        (webhook(endTime=1704103200), ["body.payload.endTime"]),
        (webhook(endTime="0001-01-01T00:00:00+12:00"), ["body.payload.endTime"]),
        (
            webhook(bookingId="100", attendees=[{}, {"email": 1}]),
            ["body.payload.bookingId", "body.payload.attendees[1].email"],
        ),
        (b"[]", ["body"]),
    ],
)
def test_every_fault_is_named(raw: bytes, paths: list[str]) -> None:
    with pytest.raises(Invalid) as raised:
        parse_webhook(raw)
    assert [fault.path for fault in raised.value.faults] == paths


@pytest.mark.parametrize("raw", [b"", b"trigger=BOOKING_CREATED&uid=u1", b"\xff\xfe", b"{", b"[" * 100_000])
def test_a_form_of_a_custom_template_is_not_json(raw: bytes) -> None:
    with pytest.raises(Invalid) as raised:
        parse_webhook(raw)
    assert raised.value.code == "not_json"


def test_a_redelivery_has_the_same_id_and_another_fact_has_not() -> None:
    first = parse_webhook(webhook())
    assert delivery_id(first) == "BOOKING_CREATED:u1:2024-01-01T00:00:00.000000Z"
    assert delivery_id(first) == delivery_id(parse_webhook(webhook().replace(b"00:00:00Z", b"01:00:00.000+01:00")))
    later = parse_webhook(webhook().replace(b"00:00:00Z", b"00:00:01Z"))
    others = [parse_webhook(webhook("BOOKING_CANCELLED")), parse_webhook(webhook(uid="u2")), later]
    assert len({delivery_id(event) for event in [first, *others]}) == 4


def test_without_uid_or_time_the_same_bytes_are_the_same_delivery() -> None:
    ping = b'{"triggerEvent":"PING","createdAt":"2024-01-01T00:00:00Z","payload":{"type":"Test"}}'
    assert delivery_id(parse_webhook(ping)) == delivery_id(parse_webhook(ping))
    assert delivery_id(parse_webhook(ping)) != delivery_id(parse_webhook(ping.replace(b"Test", b"Rest")))


@given(st.binary(max_size=60) | JSON.map(json.dumps).map(str.encode) | NEARLY.map(json.dumps).map(str.encode))
def test_the_parser_gives_a_value_or_invalid_and_nothing_else(raw: bytes) -> None:
    try:
        event = parse_webhook(raw)
    except Invalid as error:
        _named(error)
    else:
        assert delivery_id(event).startswith(event.trigger)
        assert event.payload.start_time is None or event.payload.start_time.tzinfo is UTC


def _named(error: Invalid) -> None:
    assert error.faults
