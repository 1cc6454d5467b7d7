"""Chalice's local emulation as `make run` serves it: what API Gateway itself would answer, and keeping alive."""

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.app import AuthResponse, Chalice

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from infra.local.api import LARGEST_PAYLOAD, Api
from infra.local.ports import listen


class Thing(Answer):
    """A thing."""

    id: str
    company_id: str


class Note(Body):
    """A note."""

    text: str


def _app() -> Chalice:
    guard = Function("functions.identity.test")
    things = Function("functions.things.test")

    @guard.guard(needs=Needs(), ttl_seconds=60)
    def bearer(request: Any) -> AuthResponse:
        if request.token == "Bearer broken":
            raise RuntimeError("the database is away")
        if request.token != "Bearer good":
            raise Exception("Unauthorized")
        context = {"company_id": "com_1", "user_id": "usr_1", "token_id": "tok_1", "abilities": "*"}
        return AuthResponse(routes=["*"], principal_id="usr_1", context=context)

    @things.route("GET", "/things/{thing_id}", ability="things:read")
    def show_thing(request: Request, thing_id: str) -> Thing:
        """Show one."""
        return Thing(id=thing_id, company_id=request.company_id)

    @things.route("POST", "/notes", ability=PUBLIC, idempotent=False, status=204)
    def take_note(request: Request, body: Note) -> None:
        """Take one."""

    app = Chalice("test", configure_logs=False)
    things.front = guard.endpoints[0].entry
    app.register_blueprint(things)
    return app


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    stop = threading.Event()
    with listen(0) as listener:
        thread = threading.Thread(target=Api(listener, _app()).serve_until, args=(stop,))
        thread.start()
        yield int(listener.getsockname()[1])
        stop.set()
        thread.join()


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    yield made
    made.close()


def send(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None, {k.lower(): v for k, v in answer.getheaders()}


def assert_problem(found: tuple[int, Any, dict[str, str]], status: int, code: str) -> None:
    got, body, headers = found
    assert (got, body["status"], body["code"]) == (status, status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["access-control-allow-origin"] == "*"
    assert body["request_id"]
    assert body["request_id"] == headers["x-request-id"]


def test_a_token_opens_the_route_and_its_context_reaches_the_view(connection: http.client.HTTPConnection) -> None:
    status, body, _ = send(connection, "GET", "/things/a%3Ab%2Fc", Authorization="Bearer good")
    assert status == 200
    assert body == {"id": "a:b/c", "company_id": "com_1"}


def test_no_token_and_a_wrong_one_are_401(connection: http.client.HTTPConnection) -> None:
    assert_problem(send(connection, "GET", "/things/1"), 401, "unauthenticated")
    assert_problem(send(connection, "GET", "/things/1", Authorization="Bearer bad"), 401, "unauthenticated")


def test_an_authorizer_that_fails_is_a_500_that_tells_nothing(connection: http.client.HTTPConnection) -> None:
    found = send(connection, "GET", "/things/1", Authorization="Bearer broken")
    assert_problem(found, 500, "internal_error")
    assert "database" not in json.dumps(found[1])


def test_unknown_paths_and_methods(connection: http.client.HTTPConnection) -> None:
    assert_problem(send(connection, "GET", "/nowhere?x=1"), 404, "no_such_route")
    assert_problem(send(connection, "GET", "/nowhere", Authorization="Bearer good"), 404, "no_such_route")
    assert_problem(send(connection, "DELETE", "/notes"), 404, "no_such_route")


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    for _ in range(3):
        assert send(connection, "GET", "/things/1", Authorization="Bearer good")[0] == 200
        assert send(connection, "GET", "/nowhere")[0] == 404
        assert send(connection, "POST", "/notes", b'{"text":"hello"}')[0] == 204
        assert send(connection, "HEAD", "/nowhere")[0] == 404


def test_preflight_is_answered(connection: http.client.HTTPConnection) -> None:
    status, _, headers = send(connection, "OPTIONS", "/notes")
    assert status == 200
    assert "POST" in headers["access-control-allow-methods"]


def test_too_large_is_refused_by_the_endpoint_and_far_too_large_unread(connection: http.client.HTTPConnection) -> None:
    large = json.dumps({"text": "x" * 1_100_000}).encode()
    assert_problem(send(connection, "POST", "/notes", large), 413, "body_too_large")
    connection.putrequest("POST", "/notes")
    connection.putheader("Content-Length", str(LARGEST_PAYLOAD + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert answer.getheader("Connection") == "close"
    assert json.loads(answer.read())["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("header", "value", "sent"),
    [("Content-Length", "many", b""), ("Content-Length", "-5", b""), ("Transfer-Encoding", "chunked", b"xyz\r\n")],
)
def test_bodies_of_no_known_length_are_refused(
    connection: http.client.HTTPConnection, header: str, value: str, sent: bytes
) -> None:
    connection.putrequest("POST", "/notes")
    connection.putheader(header, value)
    connection.endheaders()
    connection.send(sent)
    answer = connection.getresponse()
    assert answer.status == 400
    assert json.loads(answer.read())["code"] == "invalid_request"


def test_a_body_in_chunks_is_put_together(connection: http.client.HTTPConnection) -> None:
    for _ in range(2):
        connection.request("POST", "/notes", iter([b'{"text":', b'"hello"}']), encode_chunked=True)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 204


def test_chunks_without_end_are_cut_off(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/notes")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    connection.send(b"%x\r\n" % LARGEST_PAYLOAD + b"x" * LARGEST_PAYLOAD + b"\r\n1\r\n")
    assert connection.getresponse().status == 413


def test_a_body_that_is_not_json_names_itself(connection: http.client.HTTPConnection) -> None:
    status, body, _ = send(connection, "POST", "/notes", b"\xff\xfe")
    assert 400 <= status < 500
    assert body["code"]
