"""Retell's signature, bodies and delivery ids."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Invalid, Unauthenticated
from chalicelib.vendors.retell.webhook import (
    RetellCall,
    delivery_id,
    parse_call_event,
    parse_function_call,
    sign,
    verify_signature,
)

from .conftest import Sample

BODY = b'{"a":1}'
SIGNED_AT = datetime.fromtimestamp(1795171633.490, UTC)
VECTOR = "v=1795171633490,d=3b2de7d0d527b72bea4c13851298fef00a415036e1632d0c8938db6fc3a1aa51"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["event", "name", "call", "args", "call_id", "start_timestamp", "metadata", "call_analysis"])
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "event": JSON | st.just("call_started"),
        "name": JSON | st.just("book"),
        "args": JSON,
        "call": JSON
        | st.dictionaries(NAMES, JSON, max_size=5)
        | st.fixed_dictionaries({"call_id": st.just("c"), "start_timestamp": JSON, "metadata": JSON}),
    },
)


def event(**call: Any) -> bytes:
    return json.dumps({"event": "call_ended", "call": {"call_id": "c1", **call}}).encode()


def test_the_vendors_own_vector_is_accepted_and_made() -> None:
    verify_signature(BODY, VECTOR, ["key_x"], SIGNED_AT)
    assert sign(BODY, "key_x", SIGNED_AT) == VECTOR


def test_any_of_several_keys_is_enough_while_one_is_rotated() -> None:
    verify_signature(BODY, VECTOR, ["key_new", "key_x"], SIGNED_AT)
    verify_signature(BODY, VECTOR, ["key_x", "key_new"], SIGNED_AT)


@pytest.mark.parametrize("minutes", [5, -5])
def test_five_minutes_either_way_are_tolerated_to_the_millisecond(minutes: int) -> None:
    edge = SIGNED_AT + timedelta(minutes=minutes)
    verify_signature(BODY, VECTOR, ["key_x"], edge)
    beyond = edge + timedelta(milliseconds=1 if minutes > 0 else -1)
    with pytest.raises(Unauthenticated):
        verify_signature(BODY, VECTOR, ["key_x"], beyond)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "no-secret-provided",
        VECTOR.upper(),
        VECTOR + "0",
        VECTOR + "\n",
        " " + VECTOR,
        VECTOR.replace("d=3", "d=4"),
        VECTOR.replace("490,", "491,"),
        VECTOR.replace("v=1", "v=١"),  # an Arabic digit one, which \d and int() would take
        VECTOR.replace("v=1795171633490", "v=" + "9" * 5000),
        VECTOR.replace("3b2d", "é2d"),
    ],
)
def test_any_other_header_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as raised:
        verify_signature(BODY, header, ["key_x"], SIGNED_AT)
    assert raised.value.code == "bad_signature"


def test_a_changed_body_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        verify_signature(BODY + b" ", VECTOR, ["key_x"], SIGNED_AT)


@pytest.mark.parametrize("keys", [[], ["wrong"], [""]])
def test_without_the_right_key_nothing_passes(keys: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        verify_signature(BODY, VECTOR, keys, SIGNED_AT)


def test_an_empty_key_signs_nothing() -> None:
    with pytest.raises(Unauthenticated):
        verify_signature(BODY, sign(BODY, "", SIGNED_AT), [""], SIGNED_AT)


@pytest.mark.parametrize("name", ["call_started", "call_ended", "call_analyzed"])
def test_the_documented_events_are_read(sample: Sample, name: str) -> None:
    found = parse_call_event(sample("retell", name))
    assert found.event == name
    assert found.call.call_id == "Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6"
    assert found.call.started_at == datetime(2024, 5, 2, 0, 7, 55, 945_000, tzinfo=UTC)
    assert found.call.retell_llm_dynamic_variables == {"customer_name": "John Doe"}


def test_the_analysis_and_the_end_are_read(sample: Sample) -> None:
    call = parse_call_event(sample("retell", "call_analyzed")).call
    assert call.call_analysis is not None
    assert call.call_analysis.call_successful is True
    assert call.call_cost is not None
    assert call.call_cost.combined_cost == 70
    assert call.ended_at is not None
    assert call.ended_at - timedelta(milliseconds=15_791) == call.started_at


def test_a_function_call_is_read_with_its_nulls(sample: Sample) -> None:
    found = parse_function_call(sample("retell", "custom_function"))
    assert (found.name, found.args) == ("check_availability", {"date": "2026-12-01", "service": "visit"})
    raw = b'{"name":"book","call":{"call_id":"c1"},"args":{"phone":null}}'
    assert parse_function_call(raw).args == {"phone": None}


def test_nulls_and_unknown_fields_are_no_fault() -> None:
    nulls = {name: None for name in RetellCall.__struct_fields__ if name != "call_id"}
    call = parse_call_event(event(**nulls, brand_new={"x": [1]})).call
    assert call == RetellCall(call_id="c1")
    assert parse_function_call(b'{"name":"f","call":{"call_id":"c1"},"args":null}').args == {}


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        (b'{"event":"call_ended"}', ["body.call"]),
        (b'{"event":"call_ended","call":[]}', ["body.call"]),
        (b'{"event":"call_ended","call":{}}', ["body.call.call_id"]),
        (event(call_id=None), ["body.call.call_id"]),
        (event(call_id=""), ["body.call.call_id"]),
        (event(call_id=559), ["body.call.call_id"]),
        (event(call_id="x" * 300), ["body.call.call_id"]),
        (b'{"call":{"call_id":5,"transcript":7}}', ["body.event", "body.call.call_id", "body.call.transcript"]),
        (event(start_timestamp="soon"), ["body.call.start_timestamp"]),
        (event(start_timestamp=-1, end_timestamp=10**30), ["body.call.start_timestamp", "body.call.end_timestamp"]),
        (event(start_timestamp=1714608475), ["body.call.start_timestamp"]),  # seconds, not milliseconds
        (event(call_analysis={"in_voicemail": "no"}), ["body.call.call_analysis.in_voicemail"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
    ],
)
def test_every_fault_is_named(raw: bytes, paths: list[str]) -> None:
    with pytest.raises(Invalid) as raised:
        parse_call_event(raw)
    assert [fault.path for fault in raised.value.faults] == paths
    assert raised.value.code == "invalid_request"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"a":"\xff"}', b'{"a":NaN}', b"[" * 100_000, b"a=1&b=2"])
def test_what_is_not_json_is_said_to_be_so(raw: bytes) -> None:
    for parse in (parse_call_event, parse_function_call):
        with pytest.raises(Invalid) as raised:
            parse(raw)
        assert raised.value.code == "not_json"


def test_an_absurd_time_met_outside_the_parser_is_invalid_too() -> None:
    with pytest.raises(Invalid):
        _ = RetellCall(call_id="c", end_timestamp=10**18).ended_at


def test_a_redelivery_has_the_same_id_and_another_fact_has_not() -> None:
    def of(name: str, **call: Any) -> str:
        return delivery_id(parse_call_event(json.dumps({"event": name, "call": {"call_id": "c1", **call}}).encode()))

    assert of("call_started") == of("call_started", transcript="later") == "call_started:c1"
    assert of("call_ended") != of("call_started") != of("call_started", call_id="c2")
    assert of("transfer_started", start_timestamp=1714608475945) == "transfer_started:c1:1714608475945"
    assert of("transfer_started") != of("transfer_started", transcript="x")
    assert of("transcript_updated", transcript="a") != of("transcript_updated", transcript="b")
    assert of("brand_new", transcript="a") != of("brand_new", transcript="b")
    assert of("brand_new") == of("brand_new")


def test_the_body_cannot_choose_its_own_digest() -> None:
    raw = b'{"event":"brand_new","body_digest":"mine","call":{"call_id":"c1"}}'
    assert parse_call_event(raw).body_digest != "mine"


@given(st.binary(max_size=60) | JSON.map(json.dumps).map(str.encode) | NEARLY.map(json.dumps).map(str.encode))
def test_the_parsers_give_a_value_or_invalid_and_nothing_else(raw: bytes) -> None:
    for parse in (parse_call_event, parse_function_call):
        try:
            found = parse(raw)
        except Invalid as error:
            _named(error)
        else:
            assert found.call.call_id
            _ = (found.call.started_at, found.call.ended_at)


@given(st.text(max_size=120) | st.none(), st.lists(st.text(max_size=10), max_size=2))
def test_the_verifier_refuses_any_text_without_crashing(header: str | None, keys: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        verify_signature(BODY, header, keys, SIGNED_AT)


def _named(error: Invalid) -> None:
    assert error.faults
