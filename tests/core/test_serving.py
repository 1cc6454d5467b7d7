"""Serving: one answer per Idempotency-Key, problems without traces, and no request that makes us fail."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from chalice.app import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.core.doors import PUBLIC
from chalicelib.core.errors import Conflict, RateLimited
from chalicelib.core.function import Function
from chalicelib.core.ids import new_id
from chalicelib.core.payloads import LARGEST_BODY, Answer, Body, Query
from chalicelib.core.requests import Request
from chalicelib.core.rows import AuditRow, GuardRow
from tests.conftest import EmbeddedAws

SECRET = "swordfish at /srv/secret.py"  # noqa: S105 - what must not come out
things = Function("tests.core.test_serving")


class NewThing(Body):
    """A thing to make."""

    name: str


class ThingAnswer(Answer):
    """A thing made."""

    id: str
    name: str


class ThingQuery(Query):
    """Which things."""

    limit: int = 5


@things.route("POST", "/things", ability="things:write", status=201)
def make_thing(request: Request, body: NewThing) -> ThingAnswer:
    """Make a thing; a second of the same name is refused."""
    made = ThingAnswer(id=new_id("thg"), name=body.name)
    unit = request.unit()
    taken = Conflict("name_taken", "There is one of that name.", name=body.name)
    unit.add(GuardRow(f"{request.company_id}#name#{body.name}", "guard"), taken)
    unit.audit("thing.made", made.id)
    unit.commit(made)
    return made


@things.route("POST", "/tokens", ability="things:write", status=201, idempotent=False)
def make_token(request: Request) -> dict[str, str]:
    """Make something whose answer must not be kept."""
    made = new_id("tok")
    unit = request.unit()
    unit.audit("token.made", made)
    unit.commit({"token": made})
    return {"token": made}


@things.route("POST", "/things/{thing_id}/touch", ability="things:write", status=204)
def touch_thing(request: Request, thing_id: str) -> None:
    """Touch a thing."""
    unit = request.unit()
    unit.audit("thing.touched", thing_id)
    unit.commit()


@things.route("GET", "/things", ability="things:read")
def list_things(request: Request, query: ThingQuery) -> dict[str, int]:
    """Say what was asked."""
    return {"limit": query.limit}


@things.route("GET", "/broken", ability=PUBLIC)
def break_down(request: Request) -> None:
    """Fail with something telling."""
    password = SECRET
    raise RuntimeError(f"cannot open {password}")


@things.route("GET", "/unprintable", ability=PUBLIC)
def answer_nonsense(request: Request) -> Any:
    """Answer what is no JSON."""
    return object()


@things.route("GET", "/slow", ability=PUBLIC)
def refuse_for_now(request: Request) -> None:
    """Ask for patience."""
    raise RateLimited("slow_down", "Wait a little.", retry_after=7)


@things.route("GET", "/page", ability=PUBLIC)
def show_page(request: Request) -> Response:
    """Answer as it likes."""
    return Response(body="<p>hello</p>", status_code=200, headers={"Content-Type": "text/html"})


class Served:
    """An answer as API Gateway gets it."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.status: int = raw["statusCode"]
        self.headers: dict[str, str] = raw["headers"]
        self.text: str = raw["body"]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def event(method: str, path: str, **change: Any) -> dict[str, Any]:
    """What API Gateway sends for a token of com_1 with every ability."""
    context = {
        "httpMethod": method,
        "resourcePath": path,
        "path": path,
        "requestId": "req-1",
        "identity": {"sourceIp": "203.0.113.7"},
        "authorizer": {"company_id": change.pop("company", "com_1"), "user_id": "usr_1", "abilities": "*"},
    }
    context["authorizer"]["abilities"] = change.pop("abilities", "*")
    return {
        "requestContext": context,
        "headers": {"content-type": "application/json"},
        "pathParameters": {},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        **change,
    }


def serve(entry: Any, method: str, path: str, key: str | None = None, **change: Any) -> Served:
    """Call the door's Lambda."""
    made = event(method, path, **change)
    if key is not None:
        made["headers"] = {**made["headers"], "Idempotency-Key": key}
    return Served(entry(made, None))


def make(name: str, key: str | None = None, **change: Any) -> Served:
    """POST /things."""
    return serve(make_thing, "POST", "/things", key, body=json.dumps({"name": name}), **change)


@pytest.fixture
def made(aws: EmbeddedAws) -> Iterator[Any]:
    """Counts what was really done."""
    yield lambda action: sum(row.action == action for row in AuditRow.scan())


def test_the_same_key_and_body_get_the_same_answer_and_act_once(made: Any) -> None:
    first, second = make("a", "key-1"), make("a", "key-1")
    assert first.status == second.status == 201
    assert first.text == second.text
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert made("thing.made") == 1


def test_the_same_key_with_another_body_is_refused(made: Any) -> None:
    make("a", "key-1")
    refused = make("b", "key-1")
    assert (refused.status, refused.json["code"]) == (422, "idempotency_key_reused")
    assert made("thing.made") == 1


def test_the_same_key_on_another_path_is_refused(made: Any) -> None:
    paths = [{"thing_id": "thg_1"}, {"thing_id": "thg_2"}]
    answers = [
        serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters=path) for path in paths
    ]
    assert [answer.status for answer in answers] == [204, 422]
    assert made("thing.touched") == 1


def test_an_answer_without_a_body_is_repeated_without_one(made: Any) -> None:
    path = {"thing_id": "thg_1"}
    first, second = (
        serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters=path) for _ in range(2)
    )
    assert (first.status, first.text) == (second.status, second.text) == (204, "")
    assert second.headers["Idempotent-Replayed"] == "true"
    assert made("thing.touched") == 1


def test_keys_of_companies_and_routes_are_their_own(made: Any) -> None:
    assert make("a", "key-1").status == 201
    assert make("a", "key-1", company="com_2").headers.get("Idempotent-Replayed") is None
    touched = serve(touch_thing, "POST", "/things/{thing_id}/touch", "key-1", pathParameters={"thing_id": "thg_1"})
    assert touched.status == 204
    assert made("thing.made") == 2


def test_duplicates_at_the_same_moment_act_once_and_get_one_answer(made: Any) -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: make("a", "key-1"), range(12)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert made("thing.made") == 1


def test_a_failed_request_does_not_use_its_key_up(made: Any) -> None:
    make("a")
    assert make("a", "key-1").status == 409
    assert make("b", "key-1").status == 201


def test_an_expired_key_is_free_again(made: Any) -> None:
    make("a", "key-1")
    [guard] = [row for row in GuardRow.scan() if "#idempotency#" in row.pk]
    guard.update([GuardRow.expires_at.set(1)])
    assert make("b", "key-1").status == 201
    assert made("thing.made") == 2


def test_a_route_that_keeps_no_answers_honours_no_key(made: Any) -> None:
    first, second = (serve(make_token, "POST", "/tokens", "key-1") for _ in range(2))
    assert first.status == second.status == 201
    assert first.json["token"] != second.json["token"]
    assert made("token.made") == 2
    assert list(GuardRow.scan()) == []


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "\x00", "\ud800"])
def test_a_key_that_is_none_is_refused(made: Any, key: str) -> None:
    refused = make("a", key)
    assert (refused.status, refused.json["code"]) == (422, "bad_idempotency_key")
    assert made("thing.made") == 0


def test_a_problem_says_what_is_wrong_in_one_shape(made: Any) -> None:
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


def test_what_an_error_carries_goes_along(made: Any) -> None:
    make("a")
    assert make("a").json["name"] == "a"
    slow = serve(refuse_for_now, "GET", "/slow")
    assert (slow.status, slow.headers["Retry-After"], slow.json["retry_after"]) == (429, "7", 7)


def test_a_fault_of_ours_gives_nothing_away() -> None:
    broken = serve(break_down, "GET", "/broken")
    assert (broken.status, broken.json["code"], broken.json["request_id"]) == (500, "internal_error", "req-1")
    assert broken.headers["Content-Type"] == "application/problem+json"
    for telling in ("swordfish", "RuntimeError", "Traceback", ".py", "cannot open"):
        assert telling not in broken.text
    assert serve(answer_nonsense, "GET", "/unprintable").json["code"] == "internal_error"


@pytest.mark.parametrize(
    ("abilities", "status"), [("", 403), ("things:read", 403), ("things:writer", 403), ("things:write", 201), ("*", 201)]
)
def test_a_route_asks_for_its_ability(made: Any, abilities: str, status: int) -> None:
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
        ({"body": "name=a", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 415, "unsupported_media_type"),
        ({"body": '{"name": "a"}', "headers": {"Content-Type": ""}}, 201, None),
        ({"body": '{"name": "a"}', "headers": {"CONTENT-TYPE": "Application/JSON; charset=utf-8"}}, 201, None),
        ({"body": '{"name": "a"}', "headers": {}}, 201, None),
        ({"body": base64.b64encode(b'{"name": "a"}').decode(), "isBase64Encoded": True}, 201, None),
    ],
)
def test_bad_bodies_are_the_clients_fault(made: Any, change: dict[str, Any], status: int, code: str | None) -> None:
    answer = serve(make_thing, "POST", "/things", **change)
    assert (answer.status, answer.json.get("code")) == (status, code)


@pytest.mark.parametrize("value", ["x" * 201, "x" * 5000, "a#b", "\x00", "a\nb", "\ud800"])
def test_no_path_reaches_another_key(made: Any, value: str) -> None:
    answer = serve(touch_thing, "POST", "/things/{thing_id}/touch", pathParameters={"thing_id": value})
    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_the_query_reaches_the_view(made: Any) -> None:
    assert serve(list_things, "GET", "/things", multiValueQueryStringParameters={"limit": ["7"]}).json == {"limit": 7}
    refused = serve(list_things, "GET", "/things", multiValueQueryStringParameters={"limit": ["x"], "y": ["1"]})
    assert {fault["path"] for fault in refused.json["errors"]} == {"query.limit", "query.y"}


def test_a_view_may_answer_as_it_likes() -> None:
    page = serve(show_page, "GET", "/page")
    assert (page.status, page.text, page.headers["Content-Type"]) == (200, "<p>hello</p>", "text/html")
    assert page.headers["X-Request-Id"] == "req-1"


TEXT = st.text(max_size=30)


@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.none() | TEXT | st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode()),
    encoded=st.booleans(),
    content_type=st.sampled_from(["application/json", "text/plain", "", "application/json;x", ";"]) | TEXT,
    key=st.none() | TEXT,
    value=TEXT,
    query=st.none() | st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=3), max_size=3),
)
def test_no_request_makes_us_fail(
    aws: EmbeddedAws, body: str | None, encoded: bool, content_type: str, key: str | None, value: str,
    query: dict[str, list[str]] | None,
) -> None:
    change: dict[str, Any] = {
        "body": body, "isBase64Encoded": encoded, "headers": {"content-type": content_type},
        "multiValueQueryStringParameters": query, "pathParameters": {},
    }
    asked = [
        serve(make_thing, "POST", "/things", key, **change),
        serve(list_things, "GET", "/things", key, **change),
        serve(touch_thing, "POST", "/things/{thing_id}/touch", key, **change | {"pathParameters": {"thing_id": value}}),
    ]
    for answer in asked:
        assert answer.status < 500, answer.text
        if answer.status >= 400:
            assert {"type", "title", "status", "detail", "code", "request_id"} <= answer.json.keys()
            assert msgspec.json.decode(answer.text)["status"] == answer.status
