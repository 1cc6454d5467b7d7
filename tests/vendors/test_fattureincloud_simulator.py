"""The simulated Fatture in Cloud: filters, order, webhooks with retries, its page, a past that outlives a restart."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from chalicelib.vendors.fattureincloud.webhook import (
    CHALLENGE,
    PREFIX,
    WELCOME,
    FicEvent,
    parse_event,
    verify_event,
    verify_token,
)
from infra.local.simulators.exchange import Reply, Request
from infra.local.simulators.fattureincloud.data import Sizes
from infra.local.simulators.fattureincloud.filter import parse
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator, Notices
from infra.local.simulators.listener import Listener

ROOT = Path(__file__).parents[2]
KEY = {"Authorization": "Bearer a/manual-test-token"}
SUBSCRIPTIONS = f"/c/{COMPANY}/subscriptions"
CLIENT_UPDATE = f"{PREFIX}entities.clients.update"


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[FattureInCloudSimulator]:
    sizes = Sizes(clients=120, suppliers=5, invoices=250, quotes=30)
    simulator = FattureInCloudSimulator(companies={COMPANY: sizes}, state_file=tmp_path / "fic.json")
    simulator.webhooks.retry_seconds = 0.01
    simulator.start()
    yield simulator
    simulator.stop()


class Sink:
    """Our side: answers challenges, keeps notifications, and answers those with `statuses`, then 204."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self.statuses: list[int] = []
        self.echoes = True
        self._listener = Listener(self._take, "127.0.0.1", 0)
        self.url = f"{self._listener.url}/hook"

    def _take(self, request: Request) -> Reply:
        if request.method == "GET":
            challenge = request.headers.get(CHALLENGE) or request.query.get(CHALLENGE)
            return Reply(200, {"verification": challenge if self.echoes else "no"})
        self.received.append(request)
        return Reply(self.statuses.pop(0) if self.statuses else 204)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    one = Sink()
    yield one
    one.close()


def call_simulator(sim: FattureInCloudSimulator, method: str, path: str, status: int = 200, **more: Any) -> Any:
    reply = requests.request(method, sim.url + path, timeout=5, headers=KEY, **more)
    assert reply.status_code == status, reply.text
    return reply.json() if reply.content else None


def subscribe(sim: FattureInCloudSimulator, sink: Sink, *types: str, **more: Any) -> dict[str, Any]:
    body = {"data": {"sink": sink.url, "types": list(types or [CLIENT_UPDATE]), **more}}
    made = call_simulator(sim, "POST", SUBSCRIPTIONS, json=body)["data"]
    sim.webhooks.settle()
    found: dict[str, Any] = call_simulator(sim, "GET", f"{SUBSCRIPTIONS}/{made['id']}")["data"]
    return found


def verified(sim: FattureInCloudSimulator, sink: Sink, request: Request) -> FicEvent:
    event = parse_event(request.headers, request.body)
    claims = verify_token(request.headers["authorization"], [sink.url], sim.public_key, datetime.now(UTC))
    verify_event(claims, event)
    return event


def events(sim: FattureInCloudSimulator, sink: Sink) -> list[FicEvent]:
    """What arrived, without the welcome."""
    sim.webhooks.settle()
    found = [verified(sim, sink, request) for request in sink.received]
    return [event for event in found if event.type != WELCOME]


def names(sim: FattureInCloudSimulator, query: str, resource: str = "entities/clients") -> list[Any]:
    params = {"q": query, "per_page": "100", "fieldset": "detailed"}
    return [one["id"] for one in call_simulator(sim, "GET", f"/c/{COMPANY}/{resource}", params=params)["data"]]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("name = 'Anna'", True),
        ("name = 'anna'", False),
        ("name contains 'NN'", True),
        ("name starts with 'an' and name ends with 'NA'", True),
        ("name like 'A%a'", True),
        ("name not like 'A%a'", False),
        ("number > 4.5 and number <= 5", True),
        ("number <> 5 or (number = 5 and not_there is null)", True),
        ("not_there is not null", False),
        ("not_there > 1", False),
        ("it = 'D''Angelo'", True),
        ("flag = true and flag != false", True),
        ("name > 5", False),
    ],
)
def test_filters(query: str, fits: bool) -> None:
    record = {"name": "Anna", "number": 5, "it": "D'Angelo", "flag": True}
    assert parse(query, {*record, "not_there"})(record.get) is fits


@pytest.mark.parametrize(
    "query",
    ["", "name", "name =", "name = Anna", "name ~ 'x'", "(name = 'x'", "name = 'x' and", "salary = 5", "name is 5",
     "name = 'x' name = 'y'", "name = 'x", "'x' = name"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="q: "):
        parse(query, {"name"})


def test_a_list_can_be_filtered_and_sorted(sim: FattureInCloudSimulator) -> None:
    path = f"/c/{COMPANY}/entities/clients"
    persons = call_simulator(sim, "GET", path, params={"q": "type = 'person'", "sort": "-name", "per_page": 100})
    assert 0 < persons["total"] < 120
    shown = [one["name"] for one in persons["data"]]
    assert shown == sorted(shown, reverse=True)
    of_client = names(sim, "entity.name contains 'ross' and amount_gross > 100", "issued_documents?type=invoice")
    assert all(one > 3_000_000 for one in of_client)
    for wrong in ({"q": "salary > 5"}, {"sort": "id"}, {"per_page": "101"}, {"page": "0"}):
        assert call_simulator(sim, "GET", path, 422, params=wrong)["error"]["validation_result"]
    assert call_simulator(sim, "GET", f"/c/{COMPANY}/issued_documents", 422)["error"]["message"].startswith("The type")


def test_pages_as_the_specification_has_them(sim: FattureInCloudSimulator) -> None:
    page = call_simulator(sim, "GET", f"/c/{COMPANY}/entities/suppliers")
    assert {k: v for k, v in page.items() if k != "data"} == {
        "current_page": 1,
        "first_page_url": "page=1",
        "from": 1,
        "last_page": 1,
        "last_page_url": "page=1",
        "next_page_url": None,
        "path": f"/c/{COMPANY}/entities/suppliers",
        "per_page": 5,
        "prev_page_url": None,
        "to": 5,
        "total": 5,
    }
    beyond = call_simulator(sim, "GET", f"/c/{COMPANY}/entities/suppliers", params={"page": 3})
    assert (beyond["data"], beyond["from"], beyond["current_page"]) == ([], None, 3)


def test_fields_are_chosen(sim: FattureInCloudSimulator) -> None:
    path = f"/c/{COMPANY}/issued_documents/3000001"
    assert set(call_simulator(sim, "GET", path, params={"fields": "number,date"})["data"]) == {"id", "number", "date"}
    assert "items_list" not in call_simulator(sim, "GET", path, params={"fieldset": "basic"})["data"]
    assert call_simulator(sim, "GET", path, params={"fieldset": "detailed"})["data"]["items_list"]


def test_generated_books_are_the_same_every_time(sim: FattureInCloudSimulator) -> None:
    again = FattureInCloudSimulator(companies={COMPANY: sim.books[COMPANY].sizes})
    for resource in ("clients", "suppliers", "invoices", "quotes"):
        ids = sim.books[COMPANY].ids(resource)
        assert ids == again.books[COMPANY].ids(resource)
        assert [sim.books[COMPANY].get(resource, one) for one in ids[:50]] == [
            again.books[COMPANY].get(resource, one) for one in ids[:50]
        ]


def test_fifty_thousand_are_made_as_they_are_asked_for(sim: FattureInCloudSimulator) -> None:
    call_simulator(sim, "POST", "/_sim/resize", 204, json={"clients": 10_000, "invoices": 50_000})
    params = {"type": "invoice", "page": 500, "per_page": 100, "sort": "created_at"}
    page = call_simulator(sim, "GET", f"/c/{COMPANY}/issued_documents", params=params)
    assert (page["total"], page["last_page"], page["data"][-1]["number"]) == (50_000, 500, 50_000)


def test_records_live_through_the_api(sim: FattureInCloudSimulator) -> None:
    path = f"/c/{COMPANY}/entities/clients"
    made = call_simulator(sim, "POST", path, json={"data": {"name": "Nuova", "vat_number": "IT1"}})["data"]
    assert names(sim, "name = 'Nuova'") == [made["id"]]
    call_simulator(sim, "PUT", f"{path}/{made['id']}", json={"data": {"name": "Altra"}})
    assert names(sim, "name = 'Nuova'") == []
    assert call_simulator(sim, "GET", f"{path}/{made['id']}")["data"]["vat_number"] == "IT1"
    call_simulator(sim, "DELETE", f"{path}/{made['id']}")
    assert call_simulator(sim, "GET", f"{path}/{made['id']}", 404)["error"]["code"] == "NOT_FOUND"
    call_simulator(sim, "POST", path, 422, json={"data": {}})
    call_simulator(sim, "POST", path, 400, data=b"{")


def test_a_token_of_read_scopes_does_not_write(sim: FattureInCloudSimulator) -> None:
    back = sim.access.allow("fic_client_test", "https://x.example/", "entity.clients:r", "s")
    code = back.split("code=")[1].split("&")[0].replace("%2F", "/")
    client = {"client_id": "fic_client_test", "client_secret": "fic_secret_test", "redirect_uri": "https://x.example/"}
    answer = requests.post(
        f"{sim.url}/oauth/token", json={"grant_type": "authorization_code", "code": code, **client}, timeout=5
    ).json()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    path = f"{sim.url}/c/{COMPANY}/entities/clients"
    assert requests.get(path, headers=headers, timeout=5).status_code == 200
    assert requests.post(path, json={"data": {"name": "x"}}, headers=headers, timeout=5).status_code == 403
    assert requests.get(f"{sim.url}/c/{COMPANY}/entities/suppliers", headers=headers, timeout=5).status_code == 403
    assert "***" in {one["body"] for one in sim.requests if one["path"] == "/oauth/token"}


@pytest.mark.parametrize("method", ["header", "query"])
@pytest.mark.parametrize("mapping", ["binary", "structured"])
def test_a_change_is_announced(sim: FattureInCloudSimulator, sink: Sink, method: str, mapping: str) -> None:
    made = subscribe(sim, sink, verification_method=method, config={"mapping": mapping})
    assert made["verified"] is True
    assert [verified(sim, sink, one).type for one in sink.received] == [WELCOME]
    sim.change("clients", 1_000_001, {"name": "Altra"})
    sim.change("suppliers", 2_000_001, {"name": "Altro"})
    (event,) = events(sim, sink)
    assert (event.about, event.ids, event.fic_company_id) == (("clients", "update"), (1_000_001,), COMPANY)
    assert ("ce-type" in sink.received[-1].headers) is (mapping == "binary")


def test_a_sink_that_does_not_answer_the_challenge_hears_nothing(sim: FattureInCloudSimulator, sink: Sink) -> None:
    sink.echoes = False
    made = subscribe(sim, sink)
    assert made["verified"] is False
    sim.change("clients", 1_000_001, {"name": "Altra"})
    assert events(sim, sink) == []
    sink.echoes = True
    call_simulator(sim, "POST", f"{SUBSCRIPTIONS}/{made['id']}/verify", json={"data": {"verification_method": "query"}})
    sim.webhooks.settle()
    assert call_simulator(sim, "GET", SUBSCRIPTIONS)["data"][0]["verified"] is True


@pytest.mark.parametrize(
    ("statuses", "attempts"),
    [([], [204]), ([500, 503], [500, 503, 204]), ([500] * 9, [500] * 4), ([400], [400]), ([302], [302])],
)
def test_what_is_tried_again(
    sim: FattureInCloudSimulator, sink: Sink, statuses: list[int], attempts: list[int]
) -> None:
    subscribe(sim, sink)
    sink.statuses = list(statuses)
    sim.change("clients", 1_000_001, {"name": "Altra"})
    sim.webhooks.settle()
    assert sim.webhooks.deliveries[-1].attempts == attempts
    failed = attempts[-1] != 204
    assert (next(iter(sim.webhooks.subscriptions.values())).expires_at is not None) is failed


def test_gone_ends_the_subscription(sim: FattureInCloudSimulator, sink: Sink) -> None:
    subscribe(sim, sink)
    sink.statuses = [410]
    sim.change("clients", 1_000_001, {"name": "Altra"})
    sim.webhooks.settle()
    assert call_simulator(sim, "GET", SUBSCRIPTIONS)["data"] == []


def test_groups_are_spelled_out_and_unknown_types_refused(sim: FattureInCloudSimulator, sink: Sink) -> None:
    made = subscribe(sim, sink, f"{PREFIX}issued_documents.all.delete")
    assert f"{PREFIX}issued_documents.quotes.delete" in made["types"]
    body = {"data": {"sink": sink.url, "types": [f"{PREFIX}issued_documents.poems.create"]}}
    call_simulator(sim, "POST", SUBSCRIPTIONS, 422, json=body)
    call_simulator(sim, "POST", SUBSCRIPTIONS, 422, json={"data": {"sink": "ftp://x", "types": [CLIENT_UPDATE]}})


def test_deliveries_come_again_late_and_in_any_order(sim: FattureInCloudSimulator, sink: Sink) -> None:
    subscribe(sim, sink)
    sim.change("clients", 1_000_001, {"name": "Altra"})
    sim.webhooks.settle()
    call_simulator(sim, "POST", "/_sim/replay", 204, json={})
    sim.webhooks.settle()  # each delivery has a thread of its own, and either could be first
    old = "2025-01-01T00:00:00+01:00"
    call_simulator(
        sim, "POST", "/_sim/notify", 204, json={"type": CLIENT_UPDATE, "ids": [1, 2], "id": "198:x", "time": old}
    )
    first, again, late = events(sim, sink)
    assert first == again
    assert (late.id, late.ids, late.occurred_at) == ("198:x", (1, 2), datetime(2024, 12, 31, 23, tzinfo=UTC))


def test_its_page_changes_records_and_shows_what_was_sent(sim: FattureInCloudSimulator, sink: Sink) -> None:
    assert "Webhooks sent" in requests.get(f"{sim.url}/_sim/", timeout=5).text
    subscribe(sim, sink)
    first = call_simulator(sim, "GET", "/_sim/records", params={"resource": "clients", "per_page": 15})["data"][0]
    for change in (
        {"action": "update", "id": first["id"], "data": {"name": "Altra"}},
        {"action": "delete", "id": first["id"]},
        {"action": "create", "data": {"name": "Nuova"}},
    ):
        reply = requests.post(f"{sim.url}/_sim/records", json={"resource": "clients", **change}, timeout=5)
        assert reply.status_code in (200, 201, 204)
    sim.webhooks.settle()
    sent = call_simulator(sim, "GET", "/_sim/deliveries")["data"]
    assert [(one["type"], one["attempts"]) for one in sent] == [(WELCOME, [204]), (CLIENT_UPDATE, [204])]
    assert "Bearer" not in str(sent)


def test_the_past_outlives_a_restart(sim: FattureInCloudSimulator, sink: Sink, tmp_path: Path) -> None:
    subscribe(sim, sink)
    sim.change("clients", 1_000_001, {"name": "Altra"})
    sim.delete("clients", 1_000_002)
    sim.webhooks.settle()
    sim.stop()
    notices = Notices(sim.webhooks.signer.private_pem)
    again = FattureInCloudSimulator(state_file=tmp_path / "fic.json", notices=notices)
    again.start()
    assert again.public_key == sim.public_key
    assert again.books[COMPANY].get("clients", 1_000_001)["name"] == "Altra"
    assert not again.books[COMPANY].has("clients", 1_000_002)
    assert again.books[COMPANY].sizes.clients == 120
    again.change("clients", 1_000_003, {"name": "Terza"})
    assert [event.ids for event in events(again, sink)] == [(1_000_001,), (1_000_003,)]
    again.stop()


def test_the_command_line_serves_and_stops() -> None:
    command = [sys.executable, "-m", "infra.local.simulators.fattureincloud", "--port", "0", "--clients", "7"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        key, url = process.stdout.readline(), process.stdout.readline().split()[-1]
        assert key.startswith("FIC_WEBHOOK_PUBLIC_KEY=")
        page = requests.get(f"{url}/c/{COMPANY}/entities/clients", headers=KEY, timeout=5).json()
        assert page["total"] == 7
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
