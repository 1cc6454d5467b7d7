"""The Fatture in Cloud client: against the simulator, and against answers as the specification shows them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core.errors import Conflict, OutcomeUnknown, RateLimited, Unavailable, VendorRefused
from chalicelib.vendors.fattureincloud.client import RESOURCES, FattureInCloud, Subscription
from infra.local.simulators.exchange import Reply
from infra.local.simulators.fattureincloud.data import Sizes
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator

from .conftest import SAMPLES, Subscriber

TOKEN = "a/manual-test-token"


@pytest.fixture
def sim() -> Iterator[FattureInCloudSimulator]:
    simulator = FattureInCloudSimulator(companies={COMPANY: Sizes(clients=12, suppliers=3, invoices=25, quotes=4)})
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def client(sim: FattureInCloudSimulator) -> Iterator[FattureInCloud]:
    one = FattureInCloud(TOKEN, sim.url, timeout_seconds=2)
    yield one
    one.close()


@pytest.fixture
def sent_to(subscriber: Subscriber) -> Iterator[FattureInCloud]:
    """A client of a server that answers whatever the test puts into `subscriber.reply`."""
    one = FattureInCloud(TOKEN, subscriber.url.removesuffix("/hook"), timeout_seconds=2)
    yield one
    one.close()


def as_specified(name: str) -> bytes:
    return (Path(SAMPLES) / "fattureincloud" / f"response.{name}.json").read_bytes()


def walk(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from walk(each)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_list_is_read_page_by_page(client: FattureInCloud, sim: FattureInCloudSimulator, resource: Any) -> None:
    total = sim.books[COMPANY].sizes.of(resource)
    seen: list[int] = []
    last, number = 1, 0
    while number < last:
        number += 1
        page = client.page(COMPANY, resource, number, per_page=5)
        assert (page.page, page.total) == (number, total)
        last = page.last_page
        seen += [item["id"] for item in page.items]
    assert seen == sorted(set(seen))
    assert len(seen) == total
    assert last == -(-total // 5)


def test_what_is_sent_is_what_is_documented(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    since = datetime(2025, 6, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    page = client.page(COMPANY, "invoices", 1, updated_since=since)
    assert sim.requests[-1]["query"] == {
        "type": "invoice",
        "page": "1",
        "per_page": "100",
        "fieldset": "detailed",
        "sort": "updated_at",
        "q": "updated_at >= '2025-06-01 12:00:00'",
    }
    times = [item["updated_at"] for item in page.items]
    assert times == sorted(times)
    assert 0 < page.total < 25
    assert min(times) >= "2025-06-01 12:00:00"


def test_numbers_are_never_floats(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    items = client.page(COMPANY, "invoices", 1).items
    assert not [value for item in items for value in walk(item) if isinstance(value, float)]
    assert any(isinstance(item["amount_net"], Decimal) for item in items)
    sim.change("invoices", items[0]["id"], {"amount_gross": 0.1})
    found = client.fetch(COMPANY, "invoices", items[0]["id"])
    assert found is not None
    assert found["amount_gross"] == Decimal("0.1")


def test_what_is_left_of_the_quota_is_told(client: FattureInCloud) -> None:
    page = client.page(COMPANY, "clients", 1)
    assert (page.hourly_remaining, page.monthly_remaining) == (999, 39_999)


def test_one_record_is_fetched_and_one_that_is_gone_is_none(
    client: FattureInCloud, sim: FattureInCloudSimulator
) -> None:
    for resource in RESOURCES:
        record_id = sim.books[COMPANY].ids(resource)[0]
        found = client.fetch(COMPANY, resource, record_id)
        assert found == next(one for one in client.page(COMPANY, resource, 1).items if one["id"] == record_id)
        sim.delete(resource, record_id)
        assert client.fetch(COMPANY, resource, record_id) is None


def test_a_document_is_issued_with_the_next_number(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    expected = {
        "type": "invoice",
        "date": "2025-12-31",
        "entity": {"name": "Mara Lindner"},
        "items_list": [{"name": "Visita", "net_price": Decimal("65.10"), "qty": 2, "vat": {"id": 0, "value": 22}}],
    }
    first, second = client.create_document(COMPANY, expected), client.create_document(COMPANY, expected)
    assert (first["number"], second["number"]) == (26, 27)
    assert (first["amount_net"], first["amount_vat"], first["amount_gross"]) == (
        Decimal("130.2"),
        Decimal("28.64"),
        Decimal("158.84"),
    )
    assert '"net_price":65.10' in sim.requests[-1]["body"]
    assert first["url"].endswith(".pdf")


def test_a_document_that_fic_finds_invalid(client: FattureInCloud) -> None:
    with pytest.raises(VendorRefused) as refused:
        client.create_document(COMPANY, {"type": "invoice"})
    assert refused.value.code == "fic_invalid"
    assert "entity" in refused.value.extra["vendor_message"]


@pytest.mark.parametrize("fault", [{"status": 502}, {"drop": True}, {"body": "{", "apply": True}])
def test_an_issued_document_without_an_answer_may_have_been_issued(
    client: FattureInCloud, sim: FattureInCloudSimulator, fault: dict[str, Any]
) -> None:
    sim.fault(method="POST", **fault)
    with pytest.raises(OutcomeUnknown):
        client.create_document(COMPANY, {"type": "invoice", "entity": {"name": "Mara"}})


def test_the_short_quota_says_when_to_come_back(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    sim.quotas[COMPANY].short.calls = 1
    client.page(COMPANY, "clients", 1)
    with pytest.raises(RateLimited) as wait:
        client.page(COMPANY, "clients", 2)
    assert wait.value.code == "fic_rate_limited"
    assert 290 <= wait.value.retry_after <= 300
    assert sim.requests[-1]["status"] == 429


def test_the_long_quota_is_a_403_with_retry_after(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    sim.quotas[COMPANY].hour.calls = 1
    client.page(COMPANY, "clients", 1)
    with pytest.raises(RateLimited) as wait:
        client.page(COMPANY, "clients", 1)
    assert 3590 <= wait.value.retry_after <= 3600
    assert sim.requests[-1]["status"] == 403


def test_a_403_without_retry_after_is_a_missing_permission(client: FattureInCloud) -> None:
    with pytest.raises(VendorRefused) as refused:
        client.page(999, "clients", 1)
    assert refused.value.code == "fic_forbidden"


def test_a_token_that_is_not_taken_has_a_code_of_its_own(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    sim.access.revoke()
    with pytest.raises(VendorRefused) as refused:
        client.page(COMPANY, "clients", 1)
    assert refused.value.code == "fic_unauthorized"
    assert TOKEN not in str(refused.value.extra)


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"body": "[1"}, {"body": '{"data": 5}'}])
def test_a_page_without_a_usable_answer(
    client: FattureInCloud, sim: FattureInCloudSimulator, fault: dict[str, Any]
) -> None:
    sim.fault(**fault)
    with pytest.raises(Unavailable) as raised:
        client.page(COMPANY, "clients", 1)
    assert raised.value.code == "fic_unavailable"
    assert not isinstance(raised.value, OutcomeUnknown)
    assert client.page(COMPANY, "clients", 1).total == 12


def test_subscriptions_are_made_listed_and_ended(
    client: FattureInCloud, sim: FattureInCloudSimulator, subscriber: Subscriber
) -> None:
    prefix = "it.fattureincloud.webhooks.entities."
    made, warnings = client.create_subscription(COMPANY, subscriber.url, [f"{prefix}all.create"], "header")
    assert warnings == []
    assert sorted(made[0].types) == [f"{prefix}clients.create", f"{prefix}suppliers.create"]
    both = [f"{prefix}clients.create", f"{prefix}clients.delete"]
    more, warnings = client.create_subscription(COMPANY, subscriber.url, both, "header")
    assert [one.types for one in more] == [(f"{prefix}clients.delete",)]
    assert len(warnings) == 1
    nothing, warnings = client.create_subscription(COMPANY, subscriber.url, both, "header")
    assert nothing == []
    assert len(warnings) == 2
    assert {one.id for one in client.subscriptions(COMPANY)} == {made[0].id, more[0].id}
    client.verify_subscription(COMPANY, made[0].id)
    for _ in range(2):
        client.delete_subscription(COMPANY, made[0].id)
    assert [one.id for one in client.subscriptions(COMPANY)] == [more[0].id]


def test_answers_as_the_specification_shows_them(sent_to: FattureInCloud, subscriber: Subscriber) -> None:
    subscriber.reply = Reply(200, as_specified("list_clients"))
    clients = sent_to.page(1, "clients", 1)
    assert (clients.page, clients.last_page, clients.total) == (1, 2, 8)
    # Its example of suppliers leaves out which page it is: to take that for the last would lose the rest.
    subscriber.reply = Reply(200, as_specified("list_suppliers"))
    with pytest.raises(Unavailable):
        sent_to.page(1, "suppliers", 1)
    subscriber.reply = Reply(200, as_specified("list_issued_documents"))
    assert [item["items_list"] for item in sent_to.page(1, "invoices", 1).items] == [None, None]
    subscriber.reply = Reply(200, as_specified("get_issued_document"))
    document = sent_to.fetch(1, "invoices", 12345)
    assert document is not None
    assert (document["amount_net"], document["amount_gross"]) == (Decimal("68.18"), 75)
    subscriber.reply = Reply(200, as_specified("get_client"))
    assert sent_to.fetch(1, "clients", 1)["name"] == "Avv. Maria Rossi"  # type: ignore[index]
    subscriber.reply = Reply(200, as_specified("list_subscriptions"))
    assert [one.id for one in sent_to.subscriptions(1)] == ["SUB12345", "SUB12346"]


def test_an_accountants_clients_are_companies_of_the_token(sent_to: FattureInCloud, subscriber: Subscriber) -> None:
    subscriber.reply = Reply(200, as_specified("list_user_companies"))
    assert [(one.id, one.name) for one in sent_to.companies()] == [
        (12246, "Studio Commercialista"),
        (12347, "Mario Rossi SRL"),
    ]


def test_one_warning_may_come_as_text(sent_to: FattureInCloud, subscriber: Subscriber) -> None:
    subscriber.reply = Reply(200, as_specified("create_subscription"))
    made, warnings = sent_to.create_subscription(1, "https://x.example/", ["it.x"])
    assert [one.id for one in made] == ["SUB123"]
    assert len(warnings) == 1


def test_nulls_where_anything_was_expected(sent_to: FattureInCloud, subscriber: Subscriber) -> None:
    nulls = {"current_page": 1, "last_page": 1, "total": None, "data": [None, {"id": 1, "name": None}]}
    subscriber.reply = Reply(200, nulls)
    assert sent_to.page(1, "clients", 1).items == ({"id": 1, "name": None},)
    subscriber.reply = Reply(200, {"data": None})
    assert sent_to.companies() == ()
    assert sent_to.subscriptions(1) == ()
    subscriber.reply = Reply(200, {"data": [{"id": "SUB1", "sink": None, "types": None, "verified": None}]})
    assert sent_to.subscriptions(1) == (Subscription(id="SUB1"),)
    with pytest.raises(Unavailable):
        sent_to.fetch(1, "clients", 1)


def test_conflicts_are_told_apart(client: FattureInCloud, sim: FattureInCloudSimulator) -> None:
    sim.fault(status=409)
    with pytest.raises(Conflict) as raised:
        client.create_document(COMPANY, {"type": "invoice"})
    assert raised.value.code == "fic_conflict"


def test_an_instant_without_a_zone_is_a_mistake(client: FattureInCloud) -> None:
    with pytest.raises(ValueError, match="offset"):
        client.page(COMPANY, "clients", 1, updated_since=datetime(2026, 1, 1))
    assert client.page(COMPANY, "clients", 1, updated_since=datetime(2020, 1, 1, tzinfo=UTC)).total == 12
