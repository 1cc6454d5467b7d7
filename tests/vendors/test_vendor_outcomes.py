"""Every outcome of an outside call becomes its defined error: against the simulators, and against a bare socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, RateLimited, Unavailable, VendorRefused
from chalicelib.vendors import http
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor, retry_after, vendor_message
from infra.local.simulators.retell.simulator import RetellSimulator

RETELL = Vendor("retell", "Retell")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Call(msgspec.Struct):
    """The least of a call."""

    call_id: str


class Nothing(msgspec.Struct):
    """Any object will do."""


@pytest.fixture
def retell(retell_sim: RetellSimulator) -> Iterator[VendorSession]:
    session = VendorSession(RETELL, retell_sim.url, "key_x", timeout_seconds=2)
    yield session
    session.close()


def create(session: VendorSession) -> Call:
    numbers = {"from_number": "+12137771234", "to_number": "+12137771235"}
    return session.call("POST", "/v2/create-phone-call", Call, body=numbers)


def test_a_good_answer_is_a_typed_value(retell: VendorSession) -> None:
    made = create(retell)
    assert retell.call("GET", f"/v2/get-call/{made.call_id}", Call) == made


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, VendorRefused, "retell_invalid"),
        (401, VendorRefused, "retell_credentials"),
        (402, VendorRefused, "retell_invalid"),
        (403, VendorRefused, "retell_forbidden"),
        (404, VendorRefused, "retell_not_found"),
        (409, Conflict, "retell_conflict"),
        (422, VendorRefused, "retell_invalid"),
        (429, RateLimited, "retell_rate_limited"),
        (302, OutcomeUnknown, "retell_outcome_unknown"),
        (408, OutcomeUnknown, "retell_outcome_unknown"),
        (500, OutcomeUnknown, "retell_outcome_unknown"),
        (503, OutcomeUnknown, "retell_outcome_unknown"),
    ],
)
def test_a_refused_write(
    retell: VendorSession, retell_sim: RetellSimulator, status: int, kind: type[DomainError], code: str
) -> None:
    retell_sim.fault(path="/v2/*", method="POST", status=status, message="why not")
    with pytest.raises(kind) as raised:
        create(retell)
    assert (type(raised.value), raised.value.code) == (kind, code)
    if kind in (VendorRefused, Conflict):
        assert raised.value.extra["vendor_message"] == "why not"


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503])
def test_a_read_that_fails_is_only_unavailable(retell: VendorSession, retell_sim: RetellSimulator, status: int) -> None:
    retell_sim.fault(status=status)
    with pytest.raises(Unavailable) as raised:
        retell.call("GET", "/v2/get-call/c1", Call)
    assert (type(raised.value), raised.value.code) == (Unavailable, "retell_unavailable")


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True},
        {"drop": True, "apply": True},
        {"body": "<html>"},
        {"body": ""},
        {"body": "[]"},
        {"body": '{"call_id": 5}', "status": 201},
        {"body": '{"call_id": nu', "apply": True},
    ],
)
def test_an_unusable_answer(retell: VendorSession, retell_sim: RetellSimulator, fault: dict[str, Any]) -> None:
    known = create(retell).call_id
    retell_sim.fault(**fault, times=2)
    with pytest.raises(OutcomeUnknown) as write:
        create(retell)
    assert write.value.code == "retell_outcome_unknown"
    with pytest.raises(Unavailable) as read:
        retell.call("GET", f"/v2/get-call/{known}", Call)
    assert type(read.value) is Unavailable
    assert len(retell_sim.calls.all) == (2 if fault.get("apply") else 1)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_that_is_too_late(retell_sim: RetellSimulator, method: str) -> None:
    retell_sim.fault(delay_seconds=2)
    session = VendorSession(RETELL, retell_sim.url, "key_x", timeout_seconds=0.05)
    with pytest.raises(Unavailable) as raised:
        session.call(method, "/v2/get-call/c1", Call)
    assert isinstance(raised.value, OutcomeUnknown) is (method == "POST")
    session.close()


def refused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize(
    "url",
    [f"http://127.0.0.1:{refused_port()}", "http://nowhere.invalid", "http://", "no-scheme", "gopher://x"],
    ids=["nobody listens", "no such host", "no host", "no scheme", "unknown scheme"],  # the port differs per process
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_cannot_be_reached_was_surely_not_delivered(url: str, method: str) -> None:
    session = VendorSession(RETELL, url, "key_x", timeout_seconds=1)
    with pytest.raises(Unavailable) as raised:
        session.call(method, "/x", Nothing)
    assert (type(raised.value), raised.value.code) == (Unavailable, "retell_unreachable")
    session.close()


@pytest.fixture
def bare_server() -> Iterator[Callable[[bytes], str]]:
    """A server that reads one request, sends the given bytes and hangs up: what no HTTP library would send."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(server: socket.socket, answer: bytes) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)
        threads.append(threading.Thread(target=serve, args=(server, answer), daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for one in threads:
        one.join(2)
    for server in sockets:
        server.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_a_connection_that_breaks_after_sending_leaves_a_write_unknown(
    bare_server: Callable[[bytes], str], answer: bytes
) -> None:
    session = VendorSession(RETELL, bare_server(answer), "key_x", timeout_seconds=1)
    with pytest.raises(OutcomeUnknown):
        session.call("POST", "/x", Nothing, body={})
    session.close()


@pytest.mark.parametrize("key", ["", "key_x\n", " key_x", "key–x"])
def test_a_key_that_cannot_be_sent_is_a_matter_of_credentials(retell_sim: RetellSimulator, key: str) -> None:
    session = VendorSession(RETELL, retell_sim.url, key)
    with pytest.raises(VendorRefused) as raised:
        session.call("GET", "/v2/get-call/c1", Call)
    assert raised.value.code == "retell_credentials"
    assert retell_sim.requests == []


def test_the_key_is_never_in_an_error(retell: VendorSession, retell_sim: RetellSimulator) -> None:
    retell_sim.fault(status=401, message="key_x is not a key")
    with pytest.raises(VendorRefused) as raised:
        create(retell)
    assert raised.value.extra["vendor_message"] == "*** is not a key"
    assert retell_sim.requests[-1]["headers"]["authorization"] == "***"


def test_a_netrc_entry_does_not_replace_the_key(
    retell: VendorSession, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert create(retell).call_id


def test_hooks_see_every_call_before_and_after_even_one_without_answer(
    retell: VendorSession, retell_sim: RetellSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(http, "before_request", [lambda *call: seen.append(("before", *call))])
    monkeypatch.setattr(http, "after_request", [lambda *call: seen.append(("after", *call))])
    create(retell)
    retell_sim.fault(drop=True)
    with pytest.raises(OutcomeUnknown):
        create(retell)
    call = ("retell", "POST", "/v2/create-phone-call")
    assert seen == [("before", *call), ("after", *call)] * 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 30),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "-5"}, 1),
        ({"retry-after": "1.2"}, 2),
        ({"retry-after": "99999"}, 3600),
        ({"retry-after": "inf"}, 30),
        ({"retry-after": "nan"}, 30),
        ({"retry-after": "soon"}, 30),
        ({"retry-after": "Fri, 20 Nov 2026 00:01:00 GMT"}, 60),
        ({"retry-after": "Fri, 20 Nov 2026 00:01:00 -0000"}, 60),
        ({"retry-after": "Fri, 20 Nov 2020 00:01:00 GMT"}, 1),
        ({"retry-after": "5", "x-ratelimit-reset-default": "50"}, 5),
        ({"x-ratelimit-reset-default": "50"}, 50),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 40)}, 40),
        ({"x-ratelimit-reset": str(int(NOW.timestamp() * 1000) + 40_000)}, 40),
        (
            {"x-ratelimit-reset-default": "50", "x-ratelimit-reset-long": "900", "x-ratelimit-remaining-default": "0"},
            50,
        ),
        ({"x-ratelimit-reset-default": "50", "x-ratelimit-reset-long": "900"}, 900),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: int) -> None:
    assert retry_after(headers, NOW) == seconds
    assert retry_after(headers, NOW + timedelta(microseconds=1)) in (seconds - 1, seconds)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"status":"error","error":{"code":"X","message":"why","details":{}}}', "why"),
        (b'{"status":"error","message":"why"}', "why"),
        (b'{"error":"why"}', "why"),
        (b'{"message":["a is wrong","b is wrong"]}', "a is wrong; b is wrong"),
        (b'"why"', "why"),
        (b"Bad gateway \xff", "Bad gateway \ufffd"),
        (b"", None),
        (b"{}", None),
        (b"7", None),
        (b'"' + b"x" * 900 + b'"', "x" * 500),
    ],
)
def test_the_vendors_reason(body: bytes, message: str | None) -> None:
    assert vendor_message(body) == message
