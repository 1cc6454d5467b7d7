"""Webhooks of Fatture in Cloud end to end: kept once, answered at once, and in no order that could do harm."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.accounting import event_store, sync_step, upsert
from chalicelib.accounting.account import Account
from chalicelib.accounting.event import Event
from chalicelib.accounting.record import RESOURCES
from chalicelib.core import inbox
from chalicelib.core.rows import InboxRow, OutboxRow
from chalicelib.core.settings import settings
from chalicelib.vendors.fattureincloud.webhook import PREFIX
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import (
    OURS,
    Driver,
    account,
    assert_same,
    drain_all,
    records,
    runs,
    sink,
    subscribed,
    synced,
)

__all__ = ["account", "sink"]
CALLER = Caller(OURS)


def tell(
    fic: FattureInCloudSimulator,
    account: Account,
    kind: str,
    ids: list[int],
    *,
    number: str = "1",
    at: datetime | None = None,
    structured: bool = False,
    prefix: str = "",
    **claims: Any,
) -> Answer:
    """Post what FIC would post, signed."""
    group = "entity" if kind.startswith("entities") else "issued_documents"
    path = f"{prefix}/webhooks/fic/{account.id}/{group}"
    said = {"id": f"198:{number}", "type": PREFIX + kind, "subject": f"company:{COMPANY}"}
    said["time"] = (at or datetime.now(UTC)).isoformat()
    url = settings().public_url + path
    token = fic.webhooks.signer.token(said["id"], said["subject"], url, datetime.now(UTC), **claims)
    headers = {"authorization": f"Bearer {token}"}
    body: dict[str, Any] = {"data": {"ids": ids}}
    if structured:
        body |= said
    else:
        headers |= {f"ce-{name}": value for name, value in said.items()}
    return call("POST", path, headers=headers, raw=json.dumps(body).encode())


def events() -> list[Event]:
    return event_store.page_events(OURS, 100, None).data


def test_all_twelve_types_come_and_are_acted_on(
    fic: FattureInCloudSimulator, account: Account, sink: list[int]
) -> None:
    """After a full run, webhooks alone keep the books in step."""
    fic.resize(COMPANY, clients=5, suppliers=3, invoices=4, quotes=2)
    for each in RESOURCES:
        synced(account, each)
    subscribed(fic, account)
    drain_all()
    for resource in ("clients", "suppliers"):
        made = fic.create(resource, {"name": "New", "email": f"{resource}@example.com"})
        fic.change(resource, made["id"], {"name": "Newer"})
        fic.delete(resource, fic.create(resource, {"name": "Short-lived"})["id"])
    for resource, kind in (("invoices", "invoice"), ("quotes", "quote")):
        made = fic.create(resource, {"type": kind, "entity": {"name": "Ada"}, "items_list": []})
        fic.change(resource, made["id"], {"notes": "changed"})
        fic.delete(resource, fic.create(resource, {"type": kind, "entity": {"name": "Eve"}})["id"])
    fic.webhooks.settle()
    assert set(sink) == {200, 204}
    seen = events()
    assert len({event.type for event in seen}) == 12 + 1
    drain_all()
    assert {event.outcome for event in events()} == {"applied", "kept"}
    assert_same(fic, account)


def test_the_same_event_again_is_kept_once(fic: FattureInCloudSimulator, account: Account) -> None:
    number = fic.books[COMPANY].ids("clients")[0]
    answers = [tell(fic, account, "entities.clients.update", [number], prefix=p) for p in ("", "", "/api")]
    assert [answer.status for answer in answers] == [204] * 3
    assert len(events()) == len(list(InboxRow.scan())) == 1
    fic.requests.clear()
    drain_all()
    assert len(fic.requests) == 1


@pytest.mark.parametrize("structured", [True, False])
def test_both_modes(fic: FattureInCloudSimulator, account: Account, structured: bool) -> None:
    number = fic.books[COMPANY].ids("invoices")[0]
    assert tell(fic, account, "issued_documents.invoices.create", [number], structured=structured).status == 204
    drain_all()
    assert list(records("invoices")) == [number]


def test_events_in_any_order_end_in_what_fic_has(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    kept, gone, unknown = fic.books[COMPANY].ids("clients")[:3]
    fic.change("clients", kept, {"name": "Second name"}, silent=True)
    fic.delete("clients", gone, silent=True)
    new = fic.create("clients", {"name": "Brand new"}, silent=True)["id"]
    early = datetime.now(UTC) - timedelta(days=1)
    seen = [
        ("delete", [gone]),
        ("update", [gone]),
        ("create", [gone, kept]),
        ("update", [kept, new]),
        ("delete", [unknown]),
        ("create", [kept, 99_999_999]),
    ]
    for number, (action, ids) in enumerate(seen):
        at = early if number % 2 else None
        assert tell(fic, account, f"entities.clients.{action}", ids, number=str(number), at=at).status == 204
        if number % 2:
            drain_all()
    drain_all()
    assert_same(fic, account, "clients")


def test_an_event_of_something_unknown_yet_is_overtaken_by_no_older_page(
    fic: FattureInCloudSimulator, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is read, the record is deleted and FIC tells, and only then is the page stored."""
    driver = Driver(account, "quotes")
    number = fic.books[COMPANY].ids("quotes")[0]
    plain = upsert.write

    def overtaken(*args: Any) -> Any:
        monkeypatch.setattr(sync_step, "write", plain)
        fic.delete("quotes", number, silent=True)
        tell(fic, account, "issued_documents.quotes.delete", [number])
        drain_all()
        return plain(*args)

    monkeypatch.setattr(sync_step, "write", overtaken)
    driver.finish()
    assert_same(fic, account, "quotes")


def test_a_record_deleted_between_event_and_fetch(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "suppliers")
    number = fic.books[COMPANY].ids("suppliers")[4]
    tell(fic, account, "entities.suppliers.update", [number])
    fic.delete("suppliers", number, silent=True)
    drain_all()
    assert events()[0].outcome == "applied"
    assert_same(fic, account, "suppliers")


def test_many_records_at_once_are_read_by_a_run(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    ids = fic.books[COMPANY].ids("clients")
    for number in ids:
        fic.change("clients", number, {"notes": "imported"}, silent=True)
    fic.requests.clear()
    tell(fic, account, "entities.clients.update", ids)
    drain_all()
    assert events()[0].outcome == "left_to_sync"
    assert events()[0].count == len(ids)
    assert len(fic.requests) == 4
    assert {run.kind for run in runs()} == {"full", "changes"}
    assert_same(fic, account, "clients")


def test_many_deleted_at_once_are_asked_for_one_by_one(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    ids = fic.books[COMPANY].ids("clients")[:70]
    for number in ids:
        fic.delete("clients", number, silent=True)
    tell(fic, account, "entities.clients.delete", ids)
    drain_all()
    assert_same(fic, account, "clients")


def test_an_event_during_trouble_is_acted_on_later(fic: FattureInCloudSimulator, account: Account) -> None:
    number = fic.books[COMPANY].ids("clients")[0]
    fic.fault(path="*/clients/*", status=429, headers={"Retry-After": "1"})
    tell(fic, account, "entities.clients.update", [number])
    for _ in range(60):
        drain_all()
        if events()[0].outcome == "applied":
            break
        time.sleep(0.1)
    assert list(records("clients")) == [number]


def test_other_events_are_kept_and_change_nothing(fic: FattureInCloudSimulator, account: Account) -> None:
    kinds = ("subscriptions.welcome", "receipts.create", "something.new", "issued_documents.invoices.email_sent")
    for number, kind in enumerate(kinds):
        assert tell(fic, account, kind, [1], number=str(number)).status == 204
    fic.requests.clear()
    drain_all()
    assert {(event.type, event.outcome) for event in events()} == {(PREFIX + kind, "kept") for kind in kinds}
    assert all(inbox.load("fic", f"{account.id}:198:{number}") for number in range(len(kinds)))
    assert fic.requests == []


def test_what_is_not_signed_for_this_is_refused(fic: FattureInCloudSimulator, account: Account) -> None:
    for claims in (
        {"aud": ["https://other.example"]},
        {"iss": "https://evil.example"},
        {"sub": "company:5"},
        {"jti": "198:other"},
        {"exp": 1_000_000_000},
    ):
        answer = tell(fic, account, "entities.clients.update", [1], **claims)
        assert (answer.status, answer.json["code"]) == (401, "bad_signature"), claims
    assert events() == []
    assert list(OutboxRow.scan()) == []


def test_an_event_of_another_company_of_fics_changes_nothing(fic: FattureInCloudSimulator, account: Account) -> None:
    path = f"/webhooks/fic/{account.id}/entity"
    token = fic.webhooks.signer.token("198:9", "company:5", settings().public_url + path, datetime.now(UTC))
    said = {"id": "198:9", "type": f"{PREFIX}entities.clients.delete", "subject": "company:5"}
    body = said | {"time": "2026-01-01T10:00:00Z", "data": {"ids": fic.books[COMPANY].ids("clients")[:1]}}
    headers = {"authorization": f"Bearer {token}"}
    assert call("POST", path, headers=headers, raw=json.dumps(body).encode()).status == 204
    drain_all()
    assert events()[0].outcome == "not_ours"


def test_unknown_addresses_are_not_found(account: Account) -> None:
    for path in ("fic_none/entity", f"{account.id}/nothing", "5/entity"):
        for prefix in ("/webhooks/fic/", "/api/webhooks/fic/"):
            assert call("POST", prefix + path, raw=b"{}").status == call("GET", prefix + path).status == 404


def test_the_challenge_comes_back(fic: FattureInCloudSimulator, account: Account) -> None:
    path = f"/api/webhooks/fic/{account.id}/entity"
    token = fic.webhooks.signer.token("198:1", f"company:{COMPANY}", settings().public_url + path, datetime.now(UTC))
    said = {"x-fic-verification-challenge": "292ff90a85ae"}
    headers = {"authorization": f"Bearer {token}"}
    for answer in (call("GET", path, headers=headers | said), call("GET", path, headers=headers, query=said)):
        assert (answer.status, answer.json) == (200, {"verification": "292ff90a85ae"})
    assert call("GET", path, headers=said).status == 401
    assert call("GET", path, headers=headers).status == 422


def test_events_are_listed_the_latest_first(fic: FattureInCloudSimulator, account: Account) -> None:
    for number in range(3):
        tell(fic, account, "entities.clients.update", [number + 1], number=str(number))
    first = call("GET", "/api/fic/events", caller=CALLER, query={"limit": "2"}).json
    rest = call("GET", "/api/fic/events", caller=CALLER, query={"limit": "2", "cursor": first["next_cursor"]}).json
    assert [one["id"] for page in (first, rest) for one in page["data"]] == ["198:2", "198:1", "198:0"]
    assert rest["next_cursor"] is None
    assert first["data"][0]["outcome"] == "waiting"
