"""The rule of charging at both sides of each of its boundaries: intervals, planned end, balance, notice."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.text_sessions.meter import MOST_AT_ONCE, Meter
from chalicelib.text_sessions.session import Side
from tests.text_sessions.meters import PLANNED, account, session, started
from tests.text_sessions.room import NOON

INSTANT = timedelta(microseconds=1)
TEN = timedelta(minutes=10)


def written(meter: Meter, minutes: float, side: Side = "patient") -> Meter:
    """Somebody has written so long after noon."""
    return Meter(meter.session.active(side, NOON + timedelta(minutes=minutes)), meter.account)


def test_an_interval_is_over_at_its_last_instant_and_not_before() -> None:
    meter = written(started(3), 1)
    assert meter.run_to(NOON + TEN - INSTANT) == meter
    after = meter.run_to(NOON + TEN)
    assert (after.session.interval, after.session.sessions_used, after.account.left) == (2, 2, 1)
    entry = after.account.entries[-1]
    assert (entry.cause, entry.amount, entry.reason, entry.at) == ("txs_1#0002", -1, "interval", NOON + TEN)
    assert (entry.session_id, entry.interval, entry.balance_after) == ("txs_1", 2, 1)
    assert after.run_to(NOON + 2 * TEN - INSTANT) == after
    assert after.run_to(NOON + 2 * TEN).session.interval == 3


def test_a_session_that_is_over_is_charged_no_more() -> None:
    over = written(started(3), 1).ended("manual_end", NOON + timedelta(minutes=2))
    assert over.run_to(NOON + timedelta(days=1)) == over
    assert not over.session.due(NOON + timedelta(days=1))


def test_at_most_twenty_intervals_are_brought_up_to_date_at_once() -> None:
    meter = written(started(100, planned_until=NOON + timedelta(days=2)), 1)
    late = NOON + 30 * TEN
    once = meter.run_to(late)
    assert (MOST_AT_ONCE, once.session.interval, once.session.due(late)) == (20, 21, True)
    assert once.run_to(late).session.interval == 31
    exactly = meter.run_to(NOON + 20 * TEN)
    assert (exactly.session.interval, exactly.session.due(NOON + 20 * TEN)) == (21, False)


@pytest.mark.parametrize(("wrote", "reason"), [(50 - 1e-6 / 60, "expired"), (50, None), (59, None)])
def test_past_the_planned_end_an_interval_in_silence_is_the_last(wrote: float, reason: str | None) -> None:
    # At sixty minutes the interval from 50 to 60 is over.
    meter = written(started(9), wrote).run_to(NOON + timedelta(minutes=60))
    assert meter.session.end_reason == reason
    assert meter.session.ended_at == (NOON + timedelta(minutes=60) if reason else None)
    assert meter.session.interval == (6 if reason else 7)


@pytest.mark.parametrize(("planned", "reason"), [(60, "expired"), (60 + 1 / 60, None)])
def test_silence_ends_it_from_the_planned_end_on(planned: float, reason: str | None) -> None:
    meter = written(started(9, planned_until=NOON + timedelta(minutes=planned)), 1)
    assert meter.run_to(NOON + timedelta(minutes=60)).session.end_reason == reason


@pytest.mark.parametrize(("balance", "reason"), [(1, "none_left"), (2, None)])
def test_it_ends_when_none_is_left_for_the_next_interval(balance: int, reason: str | None) -> None:
    meter = written(started(balance), 5).run_to(NOON + TEN)
    assert meter.session.end_reason == reason
    assert meter.account.left == 0
    assert meter.session.sessions_used == balance


def test_silence_past_the_planned_end_goes_before_an_empty_account() -> None:
    meter = written(started(6), 5).run_to(NOON + timedelta(minutes=PLANNED))
    assert (meter.session.end_reason, meter.account.left) == ("expired", 0)


def test_who_never_wrote_gets_the_reserved_interval_back() -> None:
    meter = started(1).run_to(NOON + TEN)
    assert (meter.session.end_reason, meter.session.ended_at, meter.session.sessions_used) == (
        "no_activity", NOON + TEN, 0,
    )  # fmt: skip
    assert meter.account.left == 1
    entry = meter.account.entries[-1]
    assert (entry.cause, entry.amount, entry.reason) == ("txs_1#0001#back", 1, "given_back")
    assert (entry.at, entry.session_id, entry.interval) == (NOON + TEN, "txs_1", 1)


@pytest.mark.parametrize(
    ("charged", "reason", "used", "left"),
    [
        (True, "no_activity", 1, 0),
        # Only who does not come at all is charged for it.
        (True, "manual_end", 0, 1),
        (True, "cancelled", 0, 1),
        (False, "no_activity", 0, 1),
    ],
)
def test_a_plan_may_charge_who_does_not_come(charged: bool, reason: str, used: int, left: int) -> None:
    meter = started(1, no_show_charged=charged).ended(reason, NOON + TEN)  # type: ignore[arg-type]
    assert (meter.session.sessions_used, meter.account.left, meter.session.end_reason) == (used, left, reason)
    assert (meter.session.ended_at, meter.session.is_active) == (NOON + TEN, False)


@pytest.mark.parametrize("side", ["patient", "doctor"])
def test_with_activity_of_either_side_what_was_used_stays_used(side: Side) -> None:
    before = written(started(2), 1, side)
    after = before.ended("manual_end", NOON + timedelta(minutes=2))
    assert (after.session.sessions_used, after.account, after.session.end_reason) == (1, before.account, "manual_end")


@pytest.mark.parametrize(("minutes", "due"), [(8 - 1e-6 / 60, False), (8, True), (10 - 1e-6 / 60, True), (10, False)])
def test_notice_is_due_in_the_last_two_minutes_of_the_last_interval(minutes: float, due: bool) -> None:
    meter = written(started(1), 1)
    at = NOON + timedelta(minutes=minutes)
    assert meter.notice_due(at) == due
    # Not again, not with another one left, and not once it is over.
    assert not Meter(meter.session.notified(), meter.account).notice_due(at)
    assert not written(started(2), 1).notice_due(at)
    assert not meter.ended("manual_end", NOON + timedelta(minutes=2)).notice_due(at)


def test_notice_of_an_earlier_interval_is_not_that_of_this_one() -> None:
    meter = Meter(session(interval=2, notified_interval=1, sessions_used=2), account(0))
    assert meter.notice_due(NOON + timedelta(minutes=18))


def test_what_lapses_before_the_next_interval_is_not_left_for_it() -> None:
    lapsing = account(5, period_ends_at=NOON + timedelta(minutes=9), renews=False)
    at = NOON + timedelta(minutes=8, seconds=30)
    assert Meter(session(), lapsing).notice_due(at)
    later = account(5, period_ends_at=NOON + TEN + INSTANT, renews=False)
    assert not Meter(session(), later).notice_due(at)
    # And with nothing left it ends there.
    meter = Meter(session().active("doctor", NOON), lapsing).run_to(NOON + TEN)
    assert (meter.session.end_reason, meter.account.subscription.status) == ("none_left", "expired")


def test_a_period_that_begins_meanwhile_pays_for_the_next_interval() -> None:
    renewing = account(0, period_ends_at=NOON + TEN)
    terms = replace(renewing.subscription.terms, sessions=3, period="month")
    meter = Meter(session().active("doctor", NOON), account(0, period_ends_at=NOON + TEN, terms=terms))
    after = meter.run_to(NOON + TEN)
    assert (after.session.interval, after.account.left) == (2, 2)
    assert not meter.notice_due(NOON + timedelta(minutes=9))
