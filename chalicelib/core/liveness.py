"""What heartbeats, backlogs and ages say of who works: pure, so that every boundary can be tested."""

import re
from datetime import datetime, timedelta
from typing import Literal

import msgspec

UNSEEN = timedelta(minutes=5)
"""A message that waits for this long and a worker that was not seen for as long do not go together."""
OLD = timedelta(minutes=30)
"""Twice the longest backoff of a job, as the alarm on a queue's age has it."""
BUSY = timedelta(minutes=2)
PENDING = timedelta(minutes=3)
"""What the relay has missed, the sweep publishes after two."""
SLACK = timedelta(minutes=10)
"""How much later than expected a schedule may be noted: its own length, and EventBridge's minute."""
UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
Work = Literal["idle", "working", "late"]
Run = Literal["ok", "failed", "late", "never"]


class Backlog(msgspec.Struct, frozen=True):
    """What is in a queue. `oldest`: how long the oldest message has waited, None where nobody measured that (yet)."""

    waiting: int
    in_flight: int
    oldest: timedelta | None = None


def worker_status(backlog: Backlog, seen_at: datetime | None, polled_at: datetime | None, at: datetime) -> Work:
    """Of a queue's worker: late when a message has waited for too long, or when messages wait and nobody takes them.

    `seen_at`: when it last had a job. `polled_at`: when a process that polls all the time, jobs or none, last said so;
    None on AWS, where an idle worker is no process. So an idle worker that is unseen is not late because something has
    come in just now: there the age of the message says how long it waits, here the silence of the process does.
    """
    waiting, oldest = backlog.waiting, backlog.oldest
    unseen = seen_at is None or at - seen_at > UNSEEN
    left = oldest is not None and oldest > UNSEEN
    silent = polled_at is not None and at - polled_at > UNSEEN
    if (waiting and unseen and (left or silent)) or (oldest is not None and oldest > OLD):
        return "late"
    return "working" if waiting or backlog.in_flight or (seen_at is not None and at - seen_at <= BUSY) else "idle"


def relay_status(seen_at: datetime | None, pending: timedelta | None, at: datetime) -> Work:
    """Of the relay, by the age of the oldest event that it has not published."""
    if pending is not None and pending > PENDING:
        return "late"
    return "working" if seen_at is not None and at - seen_at <= BUSY else "idle"


def schedule_status(expression: str, ran_at: datetime | None, failed: bool, at: datetime) -> Run:
    """Of a schedule. One that never ran may be new, so that alone is no fault."""
    if ran_at is None:
        return "never"
    if at - ran_at > longest_gap(expression) + SLACK:
        return "late"
    return "failed" if failed else "ok"


def longest_gap(expression: str) -> timedelta:
    """The longest time between two runs of `rate(…)` or `cron(…)`, rounded up; raises ValueError for anything else."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if rate:
        return int(rate[1]) * UNITS[rate[2]]
    cron = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression)
    if not cron:
        raise ValueError(f"not a schedule: {expression}")
    _, hour, day, month, weekday, _ = cron.groups()
    if month != "*":
        return timedelta(days=366)
    if day not in ("*", "?"):
        return timedelta(days=31)
    if weekday not in ("*", "?"):
        return timedelta(days=7)
    return timedelta(hours=1) if hour == "*" else timedelta(days=1)
