"""What the rules look at: out of rows read along with the calendars, and of those alone that matter to a booking."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.rules import facts, limit_store
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.tables import BookingRow
from chalicelib.core import tables
from chalicelib.core.tables import Key
from chalicelib.crm.contact_points.contact import Contact
from tests.booking.rules.salon import ADA, BEN, CUT, MONDAY, salon
from tests.booking.rules.salon import facts as with_usages

EVE = Contact(name="Eve", phone="+491", email="eve@example.com")
DAY = "#day#2026-11-23"


def query(policy: Policy = Policy(), customer_id: str | None = "cus", **service: Any) -> LimitQuery:
    """A haircut on Monday with Ada or Ben."""
    limited = replace(CUT, policy=policy, **service)
    return LimitQuery(salon(limited), limited, (ADA, BEN), customer_id, MONDAY)


def counted(name: str, number: int) -> dict[Key, Any]:
    """The row of a counter."""
    key = limit_store.counter_key("com", name)
    return {key: key.row(key.pk, key.sk, tally=number)}


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> list[list[Key]]:
    """What was read besides, a list for each request; nothing is there."""
    requests: list[list[Key]] = []

    def fetch(keys: list[Key], **_: Any) -> list[Any]:
        if keys:
            requests.append(list(keys))
        return [None] * len(keys)

    monkeypatch.setattr(tables, "fetch", fetch)
    return requests


def test_the_blocked_are_looked_for_under_all_that_is_known_of_them() -> None:
    named = ["customer#cus", "phone#+491", "email#eve@example.com"]
    keys = facts.block_keys("com", "cus", EVE)
    assert [(key.pk, key.sk) for key in keys] == [("com#blocked", name) for name in named]
    assert [key.sk for key in facts.block_keys("com", None, Contact(email="e@x"))] == ["email#e@x"]
    assert facts.block_keys("com", None, Contact()) == []


def test_a_plain_service_needs_nothing_to_be_read(missing: list[list[Key]]) -> None:
    assert facts.keys(query()) == []
    found = facts.read(query(), EVE, {})
    assert (found.usages, found.blocked, found.consulted, missing) == ({}, False, True, [])


def test_every_counter_and_the_consultation_are_read(missing: list[list[Key]]) -> None:
    limited = Policy(service_limits=Limits(per_day=2), staff_limits=Limits(per_day=3))
    limited_query = query(limited, consultation_id="svc_talk")
    names = [f"bra#svc_cut{DAY}", f"ada#staff{DAY}", f"ben#staff{DAY}"]
    keys = [*(limit_store.counter_key("com", name) for name in names), limit_store.done_key("com", "cus", "svc_talk")]
    assert facts.keys(limited_query) == keys
    # Nobody has completed anything before they are known.
    assert facts.keys(replace(limited_query, customer_id=None)) == keys[:3]
    rows = counted(names[1], 3)
    found = facts.read(limited_query, EVE, rows)
    assert missing == [[keys[0], keys[2], keys[3]]]
    assert {counter.name: usage.booked for counter, usage in found.usages.items()} == dict(
        zip(names, (0, 3, 0), strict=True)
    )
    assert found.with_room([ADA, BEN]) == [BEN]


@pytest.mark.parametrize(("times", "consulted"), [(None, False), (0, False), (1, True), (2, True)])
def test_a_consultation_that_was_completed_is_known(
    missing: list[list[Key]], times: int | None, consulted: bool
) -> None:
    key = limit_store.done_key("com", "cus", "svc_talk")
    row = None if times is None else key.row(key.pk, key.sk, tally=times)
    assert facts.read(query(consultation_id="svc_talk"), EVE, {key: row}).consulted == consulted
    assert missing == []
    assert not facts.read(query(consultation_id="svc_talk", customer_id=None), EVE, {key: row}).consulted
    assert facts.read(query(), EVE, {key: None}).consulted


@pytest.mark.parametrize("kind", ["customer#cus", "phone#+491", "email#eve@example.com"])
def test_a_block_under_any_of_these_is_one(missing: list[list[Key]], kind: str) -> None:
    blocked = Key(BookingRow, "com#blocked", kind)
    nothing: dict[Key, Any] = dict.fromkeys(facts.block_keys("com", "cus", EVE))
    assert not facts.read(query(), EVE, nothing).blocked
    assert facts.read(query(), EVE, nothing | {blocked: object()}).blocked
    assert not facts.read(query(customer_id=None), Contact(), nothing | {blocked: object()}).blocked


def test_a_full_member_of_staff_matters_once_nobody_has_room() -> None:
    found = with_usages(("staff", "ada", 2), ("staff", "ben", 2), ("customer", "cus", 2))
    assert [one.what for one in found.that_matter([ADA, BEN])] == ["staff", "staff", "customer"]
    assert found.with_room([ADA, BEN]) == []
    # Whoever has no limit has room.
    assert [one.what for one in with_usages(("staff", "ada", 2)).that_matter([ADA, BEN])] == []


def test_what_counts_already_is_left_out_and_the_rest_stays() -> None:
    found = replace(with_usages(("staff", "ada", 2), ("customer", "cus", 2)), blocked=True, consulted=False)
    left = found.without({f"ada#staff{DAY}"})
    assert [counter.record_id for counter in left.usages] == ["cus"]
    assert (left.blocked, left.consulted) == (True, False)
    assert found.without(()) == found


def test_full_days_are_those_of_single_staff_and_those_of_everyone(missing: list[list[Key]]) -> None:
    limited = Policy(staff_limits=Limits(per_day=1), service_limits=Limits(per_week=5))
    days = [MONDAY + timedelta(days=n) for n in range(3)]
    rows = counted("ada#staff#day#2026-11-24", 1) | counted("bra#svc_cut#week#2026-11-23", 4)
    assert facts.full_days(query(limited), days, rows) == {("ada", date(2026, 11, 24))}
    # What was missing is read in one request for all of them.
    assert len(missing) == 1
    assert len(missing[0]) == 5
    full_week = rows | counted("bra#svc_cut#week#2026-11-23", 5)
    assert facts.full_days(query(limited), days, full_week) == {("ada", days[1]), *(("", day) for day in days)}
    assert facts.full_days(query(limited), [], full_week) == set()
