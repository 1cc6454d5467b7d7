"""Outgoing webhooks: signed as Standard Webhooks asks, at least once, in a log, and never into our own network."""

import base64
import hmac
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from chalicelib.core import jobs, vault
from chalicelib.core.clock import now
from chalicelib.core.ids import new_id
from chalicelib.core.settings import settings
from chalicelib.integrations import store
from chalicelib.integrations.webhook_endpoint import MOST_ATTEMPTS, Delivery, DeliveryAttempt
from infra.local.demo_practice import Practice
from infra.local.invoking import Caller, call
from tests.draining import drain
from tests.functions.test_practice_endpoints import _haircut

ME = Caller("com_test")
PLACE = "/api/webhook-endpoints"


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def receiver(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("PILOT_PRIVATE_WEBHOOKS", "1")
    settings.cache_clear()
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def verified(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """The receiver's side of Standard Webhooks."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(
        hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), content, "sha256")
    ).decode()
    return f"v1,{expected}" in headers["webhook-signature"].split()


def endpoint(receiver: Receiver, **body: Any) -> dict[str, Any]:
    answer = call("POST", PLACE, caller=ME, body={"url": receiver.url} | body)
    assert answer.status == 201, answer
    found: dict[str, Any] = answer.json
    return found


def deliveries(endpoint_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("GET", f"{PLACE}/{endpoint_id}/deliveries", caller=ME).json["data"]
    return found


def test_a_booking_is_told_signed_and_logged(practice: Practice, receiver: Receiver) -> None:
    made = endpoint(receiver)
    other = endpoint(receiver, types=["appointment.cancelled"])
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    drain()
    ((headers, body),) = receiver.got
    assert verified(headers, body, made["secret"])
    event = msgspec.json.decode(body)
    assert (event["type"], event["data"]["id"], event["data"]["status"]) == (
        "appointment.booked",
        booked["id"],
        "confirmed",
    )
    (logged,) = deliveries(made["id"])
    assert (logged["id"], logged["state"], logged["attempts"][0]["status"]) == (headers["webhook-id"], "delivered", 204)
    assert deliveries(other["id"]) == []


def test_the_secret_is_shown_once_and_lies_sealed(receiver: Receiver) -> None:
    made = endpoint(receiver)
    assert made["secret"] not in call("GET", PLACE, caller=ME).text
    kept = store.get_endpoint("com_test", made["id"])
    assert made["secret"] not in msgspec.json.encode(kept).decode()
    vault.forget()
    assert vault.unseal("com_test", made["id"], kept.secrets[0].sealed) == made["secret"]


def test_both_secrets_sign_for_a_day_after_a_rotation(receiver: Receiver) -> None:
    made = endpoint(receiver)
    place = f"{PLACE}/{made['id']}"
    rotated = call("POST", f"{place}/rotate-secret", caller=ME).json
    assert rotated["secret"] != made["secret"]
    call("POST", f"{place}/test", caller=ME)
    drain()
    headers, body = receiver.got[-1]
    assert verified(headers, body, made["secret"])
    assert verified(headers, body, rotated["secret"])
    kept = store.get_endpoint("com_test", made["id"])
    assert len(kept.signing(now() + timedelta(hours=25))) == 1


def test_a_failure_waits_is_tried_again_and_can_be_sent_anew(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = endpoint(receiver)
    receiver.status = 500
    call("POST", f"{PLACE}/{made['id']}/test", caller=ME)
    drain()
    (logged,) = deliveries(made["id"])
    assert (logged["state"], [attempt["status"] for attempt in logged["attempts"]]) == ("pending", [500])
    due = datetime.fromisoformat(logged["next_at"])
    assert timedelta(0) < due - datetime.fromisoformat(logged["attempts"][0]["at"]) <= timedelta(seconds=5)
    receiver.status = 200
    again = call("POST", f"{PLACE}/{made['id']}/deliveries/{logged['id']}/redeliver", caller=ME)
    assert again.status == 202, again
    drain()
    (logged,) = deliveries(made["id"])
    assert (logged["state"], len(logged["attempts"])) == ("delivered", 2)
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {logged["id"]}


def test_a_gone_endpoint_is_switched_off_and_told_nothing_more(practice: Practice, receiver: Receiver) -> None:
    made = endpoint(receiver)
    receiver.status = 410
    call("POST", f"{PLACE}/{made['id']}/test", caller=ME)
    drain()
    (shown,) = call("GET", PLACE, caller=ME).json
    assert shown["off_because"] == "gone"
    call("POST", "/api/appointments", caller=ME, body=_haircut(practice))
    drain()
    assert len(receiver.got) == 1


def test_an_event_relayed_twice_makes_one_delivery(practice: Practice, receiver: Receiver) -> None:
    from chalicelib.integrations.jobs import PublishWebhook
    from chalicelib.integrations.publish_event import publish

    made = endpoint(receiver)
    booked = call("POST", "/api/appointments", caller=ME, body=_haircut(practice)).json
    drain()
    event_id = new_id("evt")
    job = PublishWebhook(company_id="com_test", type="appointment.moved", appointment_id=booked["id"])
    for _ in range(2):
        publish(job, jobs.JobContext(f"{event_id}:integrations.PublishWebhook", 1, False, "cor_1", "com_test", now))
    drain()
    assert [one["type"] for one in deliveries(made["id"])] == ["appointment.moved", "appointment.booked"]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://user:secret@192.0.2.1/",
        "https://no-such-host.invalid/",
    ],
)
def test_addresses_that_are_not_public_are_refused(practice: Practice, url: str) -> None:
    answer = call("POST", PLACE, caller=ME, body={"url": url})
    assert answer.status == 422, answer
    assert answer.json["errors"][0]["path"] == "body.url"


def test_the_waits_end_after_three_days() -> None:
    at = now()
    delivery = Delivery(id="msg_1", endpoint_id="whk_1", type="t", body="{}", created_at=at)
    for number in range(MOST_ATTEMPTS):
        assert delivery.state == "pending"
        at = delivery.next_at or at
        delivery = delivery.after(DeliveryAttempt(at=at, status=None, took_ms=1, error=f"try {number}"))
    assert delivery.state == "failed"
    assert timedelta(days=2) < at - delivery.created_at < timedelta(days=4)
