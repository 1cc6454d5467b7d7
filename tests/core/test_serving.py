"""Serving: problems without traces, abilities, and no request that makes us fail."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.core.payloads import LARGEST_BODY
from tests.conftest import EmbeddedAws
from tests.core.thing_endpoints import (
    answer_nonsense,
    break_down,
    list_things,
    make,
    make_thing,
    refuse_for_now,
    serve,
    show_page,
    touch_thing,
)
from tests.sizes import examples


def test_a_problem_says_what_is_wrong_in_one_shape(made: Callable[[str], int]) -> None:
    refused = serve(make_thing, "POST", "/things", body='{"title": 1}')
    assert refused.status == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["X-Request-Id"] == "req-1"
    assert refused.json == {
        "type": "urn:pilotpractice:problem:invalid_request",
        "title": "Invalid request",
        "status": 422,
        "detail": "body.title: This field is not known here.",
        "code": "invalid_request",
        "instance": "/things",
        "request_id": "req-1",
        "errors": [
            {"path": "body.title", "code": "unknown_field", "message": "This field is not known here."},
            {"path": "body.name", "code": "required", "message": "This field is required."},
        ],
    }


def test_what_an_error_carries_goes_along(made: Callable[[str], int]) -> None:
    make("a")
    assert make("a").json["name"] == "a"
    slow = serve(refuse_for_now, "GET", "/slow")
    assert (slow.status, slow.headers["Retry-After"], slow.json["retry_after"]) == (429, "7", 7)


def test_a_fault_of_ours_gives_nothing_away() -> None:
    broken = serve(break_down, "GET", "/broken")
    assert (broken.status, broken.json["code"], broken.json["request_id"]) == (500, "internal_error", "req-1")
    assert broken.headers["Content-Type"] == "application/problem+json"
    for secret in ("swordfish", "RuntimeError", "Traceback", ".py", "cannot open"):
        assert secret not in broken.text
    assert serve(answer_nonsense, "GET", "/unprintable").json["code"] == "internal_error"


@pytest.mark.parametrize(
    ("abilities", "status"),
    [("", 403), ("things:read", 403), ("things:writer", 403), ("things:write", 201), ("*", 201)],
)
def test_a_route_asks_for_its_ability(made: Callable[[str], int], abilities: str, status: int) -> None:
    answer = make("a", abilities=abilities)
    assert answer.status == status
    assert made("thing.made") == (status == 201)
    if status == 403:
        assert (answer.json["code"], answer.json["ability"]) == ("missing_ability", "things:write")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": None}, 422, "not_json"),
        ({"body": "{"}, 422, "not_json"),
        ({"body": "[" * 50_000}, 422, "not_json"),
        ({"body": "\ud800"}, 422, "invalid_request"),
        ({"body": "A", "isBase64Encoded": True}, 422, "invalid_request"),
        ({"body": "ü", "isBase64Encoded": True}, 422, "invalid_request"),
        ({"body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}, 422, "not_json"),
        ({"body": '"' + "x" * LARGEST_BODY + '"'}, 413, "body_too_large"),
        ({"body": "name=a", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ({"body": '{"name": "a"}', "headers": {"Content-Type": ""}}, 201, None),
        ({"body": '{"name": "a"}', "headers": {"CONTENT-TYPE": "Application/JSON; charset=utf-8"}}, 201, None),
        ({"body": '{"name": "a"}', "headers": {}}, 201, None),
        ({"body": base64.b64encode(b'{"name": "a"}').decode(), "isBase64Encoded": True}, 201, None),
    ],
)
def test_bad_bodies_are_the_clients_fault(
    aws: EmbeddedAws, change: dict[str, Any], status: int, code: str | None
) -> None:
    answer = serve(make_thing, "POST", "/things", **change)
    assert (answer.status, answer.json.get("code")) == (status, code)


@pytest.mark.parametrize("value", ["x" * 201, "x" * 5000, "a#b", "\x00", "a\nb", "\ud800"])
def test_no_path_reaches_another_key(made: Callable[[str], int], value: str) -> None:
    answer = serve(touch_thing, "POST", "/things/{thing_id}/touch", pathParameters={"thing_id": value})
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_the_query_reaches_the_view(made: Callable[[str], int]) -> None:
    assert serve(list_things, "GET", "/things", multiValueQueryStringParameters={"limit": ["7"]}).json == {"limit": 7}
    refused = serve(list_things, "GET", "/things", multiValueQueryStringParameters={"limit": ["x"], "y": ["1"]})
    assert {fault["path"] for fault in refused.json["errors"]} == {"query.limit", "query.y"}


def test_a_view_may_answer_as_it_likes() -> None:
    page = serve(show_page, "GET", "/page")
    assert (page.status, page.text, page.headers["Content-Type"]) == (200, "<p>hello</p>", "text/html")
    assert page.headers["X-Request-Id"] == "req-1"


TEXT = st.text(max_size=30)


@hypothesis_settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.none() | TEXT | st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode()),
    encoded=st.booleans(),
    content_type=st.sampled_from(["application/json", "text/plain", "", "application/json;x", ";"]) | TEXT,
    key=st.none() | TEXT,
    value=TEXT,
    query=st.none() | st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=3), max_size=3),
)
def test_no_request_makes_us_fail(
    aws: EmbeddedAws,
    body: str | None,
    encoded: bool,
    content_type: str,
    key: str | None,
    value: str,
    query: dict[str, list[str]] | None,
) -> None:
    change: dict[str, Any] = {
        "body": body,
        "isBase64Encoded": encoded,
        "headers": {"content-type": content_type},
        "multiValueQueryStringParameters": query,
        "pathParameters": {},
    }
    requests = [
        serve(make_thing, "POST", "/things", key, **change),
        serve(list_things, "GET", "/things", key, **change),
        serve(touch_thing, "POST", "/things/{thing_id}/touch", key, **change | {"pathParameters": {"thing_id": value}}),
    ]
    for answer in requests:
        assert answer.status < 500, answer.text
        if answer.status >= 400:
            assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json.keys()
            assert msgspec.json.decode(answer.text)["status"] == answer.status
