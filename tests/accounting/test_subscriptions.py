"""Subscriptions: wanted here, brought about at Fatture in Cloud, and mended when they were dropped or expired."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.accounting import recurring_jobs, subscription_store, subscription_sync
from chalicelib.accounting.account import Account
from chalicelib.accounting.record_jobs import CheckSubscriptions
from chalicelib.accounting.subscription import TYPES, Seen, Subscription, compare
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import OURS, MovingClock, account, drain_all, sink, subscribed

__all__ = ["account", "sink"]
CALLER = Caller(OURS)
SINK = "https://pilot.example/webhooks/fic/fic_1/entity"
ENTITY = TYPES["entity"]


def post(account: Account, **fields: Any) -> Answer:
    body = {"account_id": account.id, "event_group": "entity"} | fields
    return call("POST", "/api/fic/subscriptions", caller=CALLER, body=body)


def states() -> dict[str, str]:
    found = call("GET", "/api/fic/subscriptions", caller=CALLER).json["data"]
    return {one["event_group"]: one["state"] for one in found}


def checked(account: Account, clock: MovingClock) -> None:
    job = CheckSubscriptions(company_id=OURS, account_id=account.id)
    subscription_sync.check(job, JobContext("job_1", 1, False, "cor_1", OURS, clock))


def test_subscribing_verifies_the_address(fic: FattureInCloudSimulator, account: Account, sink: list[int]) -> None:
    made = post(account)
    assert (made.status, made.json["event_types"]) == (201, list(ENTITY))
    assert made.json["sink"].endswith(f"/webhooks/fic/{account.id}/entity")
    fic.webhooks.settle()
    drain_all()  # the welcome event lets it be looked at
    assert states() == {"entity": "verified"}
    [at_vendor] = fic.webhooks.of(COMPANY)
    assert (at_vendor.verified, set(at_vendor.types)) == (True, set(ENTITY))
    assert post(account).status == 201
    assert len(fic.webhooks.of(COMPANY)) == 1
    assert call("DELETE", f"/api/fic/subscriptions/{made.json['id']}", caller=CALLER).status == 204
    assert (fic.webhooks.of(COMPANY), states()) == ([], {})


def test_other_types_and_another_address(fic: FattureInCloudSimulator, account: Account, sink: list[int]) -> None:
    post(account, event_types=[ENTITY[0]])
    post(account)
    subscribed = [name for one in fic.webhooks.of(COMPANY) for name in one.types]
    assert sorted(subscribed) == sorted(ENTITY)
    moved = f"https://pilot.example/api/webhooks/fic/{account.id}/entity"
    assert post(account, sink=moved).json["sink"] == moved
    assert {one.sink for one in fic.webhooks.of(COMPANY)} == {moved}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"event_types": ["x"]}, "body.event_types"),
        ({"sink": "https://evil.example/"}, "body.sink"),
        ({"sink": "http://pilot.example/webhooks/fic/{id}/entity"}, "body.sink"),
        ({"sink": "https://[/webhooks/fic/{id}/entity"}, "body.sink"),
        ({"event_group": "all"}, "body.event_group"),
    ],
)
def test_what_makes_no_sense_is_refused(account: Account, fields: dict[str, Any], path: str) -> None:
    fields = {name: value.format(id=account.id) if isinstance(value, str) else value for name, value in fields.items()}
    answer = post(account, **fields)
    assert (answer.status, answer.json["errors"][0]["path"]) == (422, path)


def test_what_was_dropped_is_made_again(fic: FattureInCloudSimulator, account: Account, sink: list[int]) -> None:
    subscribed(fic, account)
    clock = MovingClock()
    checked(account, clock)
    assert states() == {"entity": "verified", "issued_documents": "verified"}
    dropped = set(fic.webhooks.subscriptions)
    for one in dropped:
        fic.webhooks.remove(COMPANY, one)
    checked(account, clock)
    assert len(set(fic.webhooks.subscriptions) - dropped) == len(dropped)
    fic.webhooks.settle()
    checked(account, clock)
    assert set(states().values()) == {"verified"}


def test_what_is_unverified_is_verified_or_made_anew(
    fic: FattureInCloudSimulator, account: Account, sink: list[int]
) -> None:
    subscribed(fic, account)
    clock = MovingClock()
    for verifications in (1, 5):  # after five times FIC tries no more
        for one in fic.webhooks.of(COMPANY):
            one.verified, one.verifications = False, verifications
        clock.ahead += timedelta(hours=1)
        checked(account, clock)
        fic.webhooks.settle()
        clock.ahead += timedelta(hours=1)
        checked(account, clock)
        assert set(states().values()) == {"verified"}
        assert len(fic.webhooks.of(COMPANY)) == 2


def test_a_refusal_is_told_and_what_is_wanted_stays_wanted(fic: FattureInCloudSimulator, account: Account) -> None:
    fic.fault(path="*/subscriptions", method="POST", status=403, message="This app is not enabled")
    assert post(account).json["code"] == "fic_forbidden"
    assert states() == {"entity": "missing"}
    checked(account, MovingClock())
    assert len(fic.webhooks.of(COMPANY)) == 1


def test_the_daily_check_has_a_job_for_each_account(account: Account) -> None:
    create_company(NewCompany("Ours", id=OURS), Person("Ada", "ada@example.com", "correct horse battery"), now)
    drain_all()
    recurring_jobs.check_subscriptions(now)
    recurring_jobs.read_changes(now)
    drain_all()


def seen(types: tuple[str, ...], *, verified: bool = True, sink: str = SINK, name: str = "SUB1") -> Seen:
    return Seen(id=name, sink=sink, types=types, verified=verified)


@pytest.mark.parametrize(
    ("at_vendor", "state", "subscribe", "end", "verify"),
    [
        ([], "missing", ENTITY, (), ()),
        ([seen(ENTITY)], "verified", (), (), ()),
        ([seen(ENTITY, verified=False)], "unverified", (), (), ("SUB1",)),
        ([seen(ENTITY[:2])], "partial", ENTITY[2:], (), ()),
        ([seen(ENTITY[:2]), seen(ENTITY[2:], name="SUB2")], "verified", (), (), ()),
        ([seen(ENTITY, sink="https://elsewhere.example")], "missing", ENTITY, (), ()),
        ([seen(ENTITY), seen(("x.y",), name="SUB2")], "verified", (), ("SUB2",), ()),
    ],
)
def test_differences(
    at_vendor: list[Seen], state: str, subscribe: tuple[str, ...], end: tuple[str, ...], verify: tuple[str, ...]
) -> None:
    needed = Subscription(
        company_id=OURS, account_id="fic_1", group="entity", types=ENTITY, sink=SINK, created_at=now()
    )
    found, difference = compare(needed, at_vendor)
    assert found == state
    assert (difference.subscribe, difference.end, difference.verify) == (subscribe, end, verify)
    assert bool(difference) == bool(subscribe or end or verify)


def test_a_strangers_change_in_between_is_not_overwritten(
    fic: FattureInCloudSimulator, account: Account, sink: list[int]
) -> None:
    subscribed(fic, account)
    old = subscription_store.find_subscription(OURS, account.id, "entity")
    assert old
    unit = Unit(OURS)
    subscription_store.save_subscription(unit, old.changed(types=ENTITY[:1]))
    unit.commit()
    subscription_sync.mend(lambda: Unit(OURS), account, old, now)
    kept = subscription_store.find_subscription(OURS, account.id, "entity")
    assert kept
    assert kept.types == ENTITY[:1]
