"""Payloads: whatever comes in becomes its model, or a fault for each thing that is wrong; nothing else is raised."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.core.errors import DomainError, Invalid, TooLarge
from chalicelib.core.payloads import LARGEST_BODY, Body, Query, decode_json, read_body, read_query

Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class Line(Body):
    """Part of an order."""

    article: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


class Cash(Body, tag="cash"):
    """One way to pay."""


class Card(Body, tag="card"):
    """Another."""

    number: str


class Order(Body):
    """Has everything that bodies have."""

    name: str
    at: Aware
    kind: Literal["a", "b"] = "a"
    lines: Annotated[list[Line], msgspec.Meta(max_length=3)] = []
    first: Line | None = None
    by_name: dict[str, Line] = {}
    pay: Cash | Card | None = None
    extra: dict[str, Any] | None = None
    size: tuple[int, int] | None = None
    renamed: int = msgspec.field(default=0, name="re-named")


class Search(Query):
    """Has everything that queries have."""

    text: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    ratio: float = 1.0
    active: bool | None = None
    since: Aware | None = None
    kind: list[Literal["a", "b"]] = []


GOOD = {"name": "n", "at": "2026-03-01T10:00:00Z"}


def faults_of(body: Any) -> dict[str, str]:
    """Code by path of a body's faults."""
    with pytest.raises(Invalid) as refused:
        read_body(msgspec.json.encode(body), Order)
    assert refused.value.code == "invalid_request"
    return {fault.path: fault.code for fault in refused.value.faults}


def test_a_good_body_is_its_model() -> None:
    order = read_body(msgspec.json.encode({**GOOD, "lines": [{"article": "x"}], "pay": {"type": "cash"}}), Order)
    assert order.lines == [Line(article="x")]
    assert order.pay == Cash()


def test_every_fault_is_reported_at_once_with_its_path() -> None:
    assert faults_of(
        {
            "at": "tomorrow",
            "kind": "c",
            "lines": [{"article": "x"}, {"article": "", "count": 0}, 5],
            "first": {"count": "1", "colour": "red"},
            "typo": 1,
            "re-named": "x",
        }
    ) == {
        "body.typo": "unknown_field",
        "body.name": "required",
        "body.at": "invalid",
        "body.kind": "invalid",
        "body.lines[1].article": "invalid",
        "body.lines[1].count": "invalid",
        "body.lines[2]": "invalid",
        "body.first.article": "required",
        "body.first.count": "invalid",
        "body.first.colour": "unknown_field",
        "body.re-named": "invalid",
    }


def test_a_time_without_an_offset_is_a_fault() -> None:
    assert faults_of({**GOOD, "at": "2026-03-01T10:00:00"}) == {"body.at": "invalid"}


@pytest.mark.parametrize("body", [None, [], 3, "text", True, [GOOD]])
def test_what_is_no_object_is_one_fault_of_the_body(body: Any) -> None:
    assert faults_of(body) == {"body": "invalid"}


def test_the_fault_of_a_map_of_models_does_not_blame_its_keys() -> None:
    assert faults_of({**GOOD, "by_name": {"one": {"article": "x"}, "two": {"count": 1}}}) == {
        "body.by_name[...]": "invalid"
    }


def test_a_choice_of_models_is_judged_by_the_one_that_was_meant() -> None:
    found = faults_of({**GOOD, "pay": {"type": "card"}})
    assert found == {"body.pay": "invalid"}
    assert faults_of({**GOOD, "pay": {"type": "barter"}}) == {"body.pay.type": "invalid"}


def test_an_object_in_place_of_a_list_is_a_fault_of_the_list() -> None:
    assert faults_of({**GOOD, "lines": {"article": "x"}}) == {"body.lines": "invalid"}
    assert faults_of({**GOOD, "lines": [{"article": "x"}] * 4}) == {"body.lines": "invalid"}


def test_a_pair_is_judged_as_a_whole() -> None:
    assert set(faults_of({**GOOD, "size": [1, "x"]})) == {"body.size[1]"}


NO_JSON = [
    b"",
    b" ",
    b"{",
    b"nul",
    b"\xff\xfe",
    b'"\xff"',
    b"[" * 100_000,
    b"9" * 5000,
    b"1e999",
    b'{"a":1}x',
    b"'a'",
]


@pytest.mark.parametrize("raw", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_not_json_says_so(raw: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        decode_json(raw)
    assert (refused.value.code, refused.value.faults[0].path) == ("not_json", "body")


def test_a_megabyte_is_read_and_a_byte_more_is_too_large() -> None:
    assert decode_json(b'"' + b"x" * (LARGEST_BODY - 2) + b'"')
    with pytest.raises(TooLarge):
        decode_json(b'"' + b"x" * (LARGEST_BODY - 1) + b'"')


def refusal(read: Callable[[], msgspec.Struct]) -> DomainError | None:
    """The problem that reading ends in, None when it succeeds; anything else raised is a failure of ours."""
    try:
        read()
    except DomainError as error:
        return error
    return None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from([*Order.__struct_encode_fields__, "other"]), JSON, max_size=8)


@given(JSON | FIELDS | FIELDS.map(lambda body: {**GOOD, **body}))
def test_any_json_becomes_the_model_or_faults(body: Any) -> None:
    try:
        raw = msgspec.json.encode(body)
    except (OverflowError, UnicodeEncodeError):  # nobody can send it
        return
    refused = refusal(lambda: read_body(raw, Order))
    if refused:
        assert isinstance(refused, Invalid)
        assert refused.faults
        assert all(fault.path.startswith("body") and fault.code and fault.message for fault in refused.faults)
        assert msgspec.json.encode([fault.path for fault in refused.faults])


@given(st.binary(max_size=200))
@example(b'{"name": "\\ud800", "at": "2026-03-01T10:00:00Z"}')
def test_any_bytes_become_the_model_or_a_problem(raw: bytes) -> None:
    refused = refusal(lambda: read_body(raw, Order))
    assert refused is None or 400 <= refused.status < 500


NAMES = st.sampled_from([*Search.__struct_encode_fields__, "other", ""])


@given(st.dictionaries(NAMES, st.lists(st.text(max_size=20), min_size=1, max_size=3), max_size=7))
@example({"limit": ["9" * 5000]})
@example({"ratio": ["1e999"]})
@example({"since": ["0001-01-01T00:00:00+23:59"]})
@example({"text": ["\ud800"]})
@example({"limit": ["\ud800"]})
@example({"\ud800": ["x"]})
def test_any_query_becomes_the_model_or_faults(pairs: dict[str, list[str]]) -> None:
    refused = refusal(lambda: read_query(pairs, Search))
    if refused:
        assert refused.faults
        assert all(fault.path.startswith("query") for fault in refused.faults)


def test_a_query_is_converted_to_its_fields_types() -> None:
    pairs = {"limit": ["7"], "ratio": ["0.5"], "active": ["true"], "kind": ["a", "b"]}
    found = read_query({**pairs, "since": ["2026-03-01T10:00:00Z"]}, Search)
    assert (found.limit, found.ratio, found.active, found.kind) == (7, 0.5, True, ["a", "b"])
    assert read_query({"kind": ["a"]}, Search).kind == ["a"]
    assert read_query({}, Search) == Search()


def test_faults_of_a_query_are_reported_together() -> None:
    with pytest.raises(Invalid) as refused:
        read_query({"limit": ["0"], "active": ["maybe"], "nonsense": ["1"], "kind": ["a", "z"]}, Search)
    assert {fault.path for fault in refused.value.faults} == {
        "query.limit",
        "query.active",
        "query.nonsense",
        "query.kind[1]",
    }


def test_a_name_given_twice_is_a_fault_unless_it_is_a_list() -> None:
    with pytest.raises(Invalid) as refused:
        read_query({"limit": ["1", "2"]}, Search)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("query.limit", "given_twice")]
