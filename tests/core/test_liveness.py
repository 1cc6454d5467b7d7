"""What silence means: every boundary from both sides."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import watched
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.liveness import (
    BUSY,
    OLD,
    PENDING,
    SLACK,
    UNSEEN,
    Backlog,
    longest_gap,
    relay_status,
    schedule_status,
    worker_status,
)

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)
WEEKLY = "cron(20 1 ? * SUN *)"


@pytest.mark.parametrize(
    ("backlog", "seen_ago", "polled_ago", "status"),
    [
        (Backlog(0, 0), None, None, "idle"),
        (Backlog(0, 0), timedelta(days=9), timedelta(days=9), "idle"),
        (Backlog(0, 0), BUSY + MOMENT, MOMENT, "idle"),
        (Backlog(0, 0), BUSY, None, "working"),
        (Backlog(0, 1), None, None, "working"),
        # Something has come in just now: for who was never seen, and for who was idle for long.
        (Backlog(1, 0), None, None, "working"),
        (Backlog(1, 0), timedelta(days=9), None, "working"),
        (Backlog(1, 0), None, UNSEEN, "working"),
        (Backlog(1, 0), None, UNSEEN + MOMENT, "late"),
        (Backlog(1, 0), UNSEEN, UNSEEN + MOMENT, "working"),
        (Backlog(1, 0), UNSEEN + MOMENT, UNSEEN + MOMENT, "late"),
        (Backlog(1, 0, UNSEEN), None, None, "working"),
        (Backlog(1, 0, UNSEEN + MOMENT), None, None, "late"),
        (Backlog(1, 0, UNSEEN + MOMENT), UNSEEN + MOMENT, None, "late"),
        (Backlog(1, 0, UNSEEN + MOMENT), UNSEEN, None, "working"),
        (Backlog(1, 0, OLD), MOMENT, None, "working"),
        (Backlog(1, 0, OLD + MOMENT), MOMENT, MOMENT, "late"),
    ],
)
def test_a_worker_is_late_when_messages_wait_and_nobody_takes_them(
    backlog: Backlog, seen_ago: timedelta | None, polled_ago: timedelta | None, status: str
) -> None:
    seen_at, polled_at = (None if ago is None else NOON - ago for ago in (seen_ago, polled_ago))
    assert worker_status(backlog, seen_at, polled_at, NOON) == status


@pytest.mark.parametrize(
    ("seen_ago", "pending", "status"),
    [
        (None, None, "idle"),
        (BUSY, None, "working"),
        (BUSY + MOMENT, None, "idle"),
        (BUSY, PENDING, "working"),
        (BUSY, PENDING + MOMENT, "late"),
    ],
)
def test_the_relay_is_late_when_an_event_is(seen_ago: timedelta | None, pending: timedelta | None, status: str) -> None:
    assert relay_status(None if seen_ago is None else NOON - seen_ago, pending, NOON) == status


@pytest.mark.parametrize(
    ("ran_ago", "failed", "status"),
    [
        (None, False, "never"),
        (timedelta(days=7) + SLACK, False, "ok"),
        (timedelta(days=7) + SLACK, True, "failed"),
        (timedelta(days=7) + SLACK + MOMENT, False, "late"),
    ],
)
def test_a_schedule_is_late_when_it_has_left_out_a_time(ran_ago: timedelta | None, failed: bool, status: str) -> None:
    assert schedule_status(WEEKLY, None if ran_ago is None else NOON - ran_ago, failed, NOON) == status


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(15 minutes)", timedelta(minutes=15)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(2 days)", timedelta(days=2)),
        ("cron(20 * * * ? *)", timedelta(hours=1)),
        ("cron(20 3 * * ? *)", timedelta(days=1)),
        (WEEKLY, timedelta(days=7)),
        ("cron(20 2 1 * ? *)", timedelta(days=31)),
        ("cron(20 2 1 1 ? *)", timedelta(days=366)),
    ],
)
def test_how_long_a_schedule_pauses_at_most(expression: str, gap: timedelta) -> None:
    assert longest_gap(expression) == gap


def test_what_is_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="not a schedule"):
        longest_gap("every day")


def test_every_schedule_of_the_house_can_be_judged() -> None:
    schedules = [one for one in watched.of_endpoints(all_endpoints()) if one.kind == "schedule"]
    assert len(schedules) > 10
    assert all(longest_gap(one.schedule) for one in schedules)
