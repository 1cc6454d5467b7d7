"""An account: no unit without its ledger entry, nothing below zero, and periods closed one after the other."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.core.errors import Conflict
from chalicelib.text_sessions.plan import Terms
from chalicelib.text_sessions.subscription import Account, LedgerEntry
from tests.text_sessions.meters import account
from tests.text_sessions.room import NOON

INSTANT = timedelta(microseconds=1)
WEEKLY = Terms(sessions=5, period="week", zone="UTC")
FIRST_END = datetime(2026, 11, 30, tzinfo=UTC)
"""Of a week sold on Monday, 23 November."""


def weekly(balance: int, *, carries_over: bool = False, renews: bool = True) -> Account:
    """Five sessions a week, so many of which are left."""
    terms = replace(WEEKLY, carries_over=carries_over)
    return account(balance, terms=terms, period_ends_at=FIRST_END, renews=renews, sessions_total=5)


def entries(of: Account) -> list[tuple[str, int, int]]:
    """Cause, amount and balance of each movement."""
    return [(entry.cause, entry.amount, entry.balance_after) for entry in of.entries]


def test_a_movement_is_an_entry_with_the_balance_after_it() -> None:
    granted = account(2).granted(3, "grant_1", NOON, "for the wait")
    assert granted.entries == (
        LedgerEntry(
            subscription_id="sub_1", number=1, cause="grant_1", amount=3, reason="grant", balance_after=5, at=NOON,
            note="for the wait",
        ),
    )  # fmt: skip
    after = granted.subscription
    assert (after.sessions_remaining, after.sessions_total, after.entries) == (5, 5, 1)
    again = granted.charged("txs_1", 1, NOON + INSTANT)
    assert (again.left, again.subscription.sessions_total) == (4, 5)
    assert [entry.number for entry in again.entries] == [1, 2]
    assert account(2).granted(1, "grant_2", NOON).entries[0].note == ""


def test_the_first_interval_is_a_reservation() -> None:
    found = [account(9).charged("txs_1", interval, NOON).entries[0] for interval in (1, 2, 12)]
    assert [(entry.cause, entry.reason, entry.amount, entry.interval) for entry in found] == [
        ("txs_1#0001", "reservation", -1, 1),
        ("txs_1#0002", "interval", -1, 2),
        ("txs_1#0012", "interval", -1, 12),
    ]
    assert {(entry.session_id, entry.at) for entry in found} == {("txs_1", NOON)}


@pytest.mark.parametrize(("amount", "left", "total"), [(-2, 0, 2), (-1, 1, 2), (3, 5, 5)])
def test_a_correction_may_take_all_that_is_left(amount: int, left: int, total: int) -> None:
    after = account(2).adjusted(amount, "adjust_1", NOON, "a mistake")
    assert (after.left, after.subscription.sessions_total) == (left, total)
    (entry,) = after.entries
    assert (entry.cause, entry.amount, entry.reason, entry.at) == ("adjust_1", amount, "adjustment", NOON)
    assert entry.note == "a mistake"


def test_a_correction_takes_no_more_than_is_left() -> None:
    with pytest.raises(Conflict) as refused:
        account(2).adjusted(-3, "adjust_1", NOON, "")
    assert (refused.value.code, refused.value.extra) == ("below_zero", {"sessions_remaining": 2})
    assert refused.value.detail == "Only 2 sessions are left to take."


def test_nothing_is_left_of_an_expired_subscription() -> None:
    assert account(2).left == 2
    assert account(2, status="expired").left == 0


def test_a_period_is_over_at_its_end_and_not_before() -> None:
    before = weekly(2)
    assert before.up_to(FIRST_END - INSTANT) == before
    after = before.up_to(FIRST_END)
    assert entries(after) == [
        ("lapse#2026-11-30T00:00:00.000000Z", -2, 0),
        ("period#2026-11-30T00:00:00.000000Z", 5, 5),
    ]
    assert [(entry.reason, entry.at) for entry in after.entries] == [("lapse", FIRST_END), ("renewal", FIRST_END)]
    renewed = after.subscription
    assert (renewed.period, renewed.period_starts_at, renewed.status) == (1, FIRST_END, "active")
    assert renewed.period_ends_at == FIRST_END + timedelta(weeks=1)
    assert (renewed.sessions_total, renewed.sessions_remaining) == (5, 5)


@pytest.mark.parametrize(("left", "lapsed"), [(0, []), (1, [-1])])
def test_only_what_is_left_lapses(left: int, lapsed: list[int]) -> None:
    after = weekly(left).up_to(FIRST_END)
    assert [entry.amount for entry in after.entries if entry.reason == "lapse"] == lapsed
    assert after.left == 5


def test_what_carries_over_is_kept_besides_what_is_granted_anew() -> None:
    after = weekly(2, carries_over=True).up_to(FIRST_END)
    assert entries(after) == [("period#2026-11-30T00:00:00.000000Z", 5, 7)]
    assert (after.left, after.subscription.sessions_total) == (7, 7)


@pytest.mark.parametrize("carries_over", [False, True])
def test_without_another_period_it_expires_and_all_lapses(carries_over: bool) -> None:
    after = weekly(2, carries_over=carries_over, renews=False).up_to(FIRST_END)
    assert entries(after) == [("lapse#2026-11-30T00:00:00.000000Z", -2, 0)]
    assert (after.subscription.status, after.subscription.period, after.left) == ("expired", 0, 0)
    assert after.up_to(FIRST_END + timedelta(days=99)) == after
    nothing_left = weekly(0, renews=False).up_to(FIRST_END)
    assert (nothing_left.entries, nothing_left.subscription.status) == ((), "expired")


def test_periods_that_were_missed_follow_each_other() -> None:
    after = weekly(0).up_to(FIRST_END + timedelta(weeks=2))
    assert (after.subscription.period, after.subscription.period_ends_at) == (3, FIRST_END + timedelta(weeks=3))
    assert [entry.reason for entry in after.entries] == ["renewal", "lapse", "renewal", "lapse", "renewal"]
    assert account(2).up_to(datetime(2999, 1, 1, tzinfo=UTC)) == account(2)
