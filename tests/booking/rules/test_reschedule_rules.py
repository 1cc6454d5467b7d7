"""The terms of rescheduling at both sides of each, and which of the ordinary rules a new time must keep to."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.practice.policy import Limits, Policy, Rescheduling
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.reschedule_rules import Move, judge, read_facts, terms
from chalicelib.booking.rules.rules import Failure
from chalicelib.core import tables
from tests.booking.rules.salon import CUT, MONDAY, NOW, TEN, appointment, booking, salon, usage

INSTANT = timedelta(microseconds=1)


def broken_terms(
    agreed: Rescheduling, moves: int = 0, by: str = "customer", ahead: timedelta = TEN - NOW
) -> list[Failure]:
    """What stands against moving the appointment so long before it begins."""
    return terms(appointment(moves=moves), Policy(rescheduling=agreed), by, TEN - ahead)


def failure(code: str, message: str) -> Failure:
    """One about the terms."""
    return Failure("rescheduling", code, message)


def test_without_terms_anyone_moves_it_as_often_and_as_late_as_they_like() -> None:
    assert terms(appointment(moves=99), Policy(), "customer", TEN + timedelta(days=1)) == []
    assert broken_terms(Rescheduling(), moves=99, ahead=-timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("by", "customers", "staffs"),
    [
        (("customer", "staff"), None, None),
        (("staff",), "Please call us to move this appointment.", None),
        (("customer",), None, "Only the customer moves this appointment."),
        ((), "Appointments are not moved.", "Appointments are not moved."),
    ],
)
def test_who_may_move_it(by: Any, customers: str | None, staffs: str | None) -> None:
    for who, message in (("customer", customers), ("staff", staffs), ("user:usr_1", staffs)):
        expected = [failure("reschedule_not_allowed", message)] if message else []
        assert broken_terms(Rescheduling(by=by), by=who) == expected


@pytest.mark.parametrize(
    ("most", "moves", "message"),
    [
        (None, 99, None),
        (2, 1, None),
        (2, 2, "An appointment may be moved 2 times at most."),
        (2, 3, "An appointment may be moved 2 times at most."),
        (1, 0, None),
        (1, 1, "An appointment may be moved once at most."),
        (0, 0, "Appointments are not moved."),
    ],
)
def test_how_often_it_may_be_moved(most: int | None, moves: int, message: str | None) -> None:
    expected = [failure("reschedule_limit", message)] if message else []
    assert broken_terms(Rescheduling(most=most), moves) == expected


@pytest.mark.parametrize(
    ("notice_min", "ahead", "allowed"),
    [
        (60, timedelta(hours=1), True),
        (60, timedelta(hours=1) - INSTANT, False),
        (1, timedelta(minutes=1), True),
        (1, timedelta(minutes=1) - INSTANT, False),
        (0, -timedelta(days=1), True),
    ],
)
def test_how_late_it_may_be_moved(notice_min: int, ahead: timedelta, allowed: bool) -> None:
    span = "1 hour" if notice_min == 60 else "1 minute"
    expected = [] if allowed else [failure("reschedule_notice", f"Appointments are moved at least {span} ahead.")]
    assert broken_terms(Rescheduling(notice_min=notice_min), ahead=ahead) == expected


def test_all_failures_of_the_terms_come_together_and_none_when_they_are_off() -> None:
    agreed = Rescheduling(most=0, notice_min=60, by=())
    codes = [one.code for one in broken_terms(agreed, ahead=timedelta(0))]
    assert codes == ["reschedule_not_allowed", "reschedule_limit", "reschedule_notice"]
    off = Policy(rescheduling=agreed, off=("rescheduling",))
    assert terms(appointment(), off, "customer", TEN) == []


ALL_FAIL = {
    "minutes": 40,
    "blocked": True,
    "usages": (usage("branch", 2), usage("service", 2)),
    "policy": Policy(deposit_minor=1, maximum_advance_days=1, minimum_notice_min=5, rescheduling=Rescheduling(by=())),
}


def rules_of(**fields: Any) -> list[str]:
    """The rules that stand against another time, or another member of staff, for the appointment on Monday at ten."""
    known: dict[str, Any] = ALL_FAIL | {"starts_at": TEN} | fields
    verdict = judge(booking(**known), appointment(), Move(by="customer", override=("limits",)))
    assert (verdict.policy, verdict.override) == (known["policy"], ("limits",))
    return [one.rule for one in verdict.failed]


def test_where_it_keeps_its_time_only_limits_are_looked_at() -> None:
    assert rules_of() == ["daily_maximum", "limits"]


def test_another_time_keeps_to_the_terms_and_the_rules_of_a_time_but_not_to_what_was_settled() -> None:
    # Five months ahead on a Sunday: not length, blocklist, deposit nor consultation.
    assert rules_of(starts_at=TEN + timedelta(days=146)) == [
        "rescheduling", "maximum_advance", "business_hours", "staff_availability", "daily_maximum", "limits",
    ]  # fmt: skip
    assert rules_of(starts_at=NOW - timedelta(hours=20))[:2] == ["rescheduling", "minimum_notice"]


def test_the_terms_are_those_of_who_moves_it_and_of_now() -> None:
    policy = Policy(rescheduling=Rescheduling(by=("staff",), notice_min=60))
    later = booking(TEN + timedelta(hours=1), policy=policy)
    # It is the time it has now that the terms count from: the new one is an hour ahead in any case.
    for by, now, codes in (
        ("staff", TEN - timedelta(hours=1), []),
        ("customer", NOW, ["reschedule_not_allowed"]),
        ("staff", TEN, ["reschedule_notice"]),
    ):
        failed = judge(replace(later, now=now), appointment(), Move(by=by)).failed
        assert [one.code for one in failed] == codes


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[tables.Key]:
    """What was read, all of it full."""
    keys: list[tables.Key] = []

    def fetch(requested: list[tables.Key], **_: Any) -> list[Any]:
        keys.extend(requested)
        return [key.row(key.pk, key.sk, tally=2) for key in requested]

    monkeypatch.setattr(tables, "fetch", fetch)
    return keys


def test_what_counts_already_takes_no_more_and_no_consultation_is_asked_for_again(found: list[tables.Key]) -> None:
    limits = Policy(service_limits=Limits(per_day=2), customer_limits=Limits(per_day=2))
    service = replace(CUT, consultation_id="svc_talk", policy=limits)
    query = LimitQuery(salon(service), service, (), "cus_1", MONDAY)
    names = ["bra#svc_cut#day#2026-11-23", "cus_1#customer#day#2026-11-23"]
    facts = read_facts(query, [appointment()])
    assert found == [limit_store.counter_key("com", name) for name in names]
    assert [usage.full for usage in facts.usages.values()] == [True, True]
    assert not facts.blocked
    left = read_facts(query, [appointment(counted=(names[0],)), appointment(counted=("other#staff#day#2026-11-23",))])
    assert [counter.name for counter in left.usages] == [names[1]]
    assert read_facts(query, [appointment(counted=(names[0],)), appointment(counted=(names[1],))]).usages == {}
