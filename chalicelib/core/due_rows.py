"""The row of a job that is due at a certain time: how it is made, and when a sweep is to look at it."""

import math
import random
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.core.clock import Clock, stamp, to_utc
from chalicelib.core.events import Job
from chalicelib.core.ids import new_id
from chalicelib.core.rows import DueRow
from chalicelib.core.tables import encode

LOOK_AHEAD = timedelta(minutes=3)
"""What is due within this time is handed to its queue, which holds it back to the second (SQS: up to 15 minutes)."""
HAND_AGAIN = timedelta(minutes=3)
"""A job not done this long after it was due is handed over again, as its message may be lost; then doubling."""
LONGEST_WAIT = timedelta(hours=6)
MOST_DOUBLINGS = 10
SHARDS = 8
"""Partitions of the index by time: each takes a thousand writes a second."""


class Scheduler(Protocol):
    """What of a unit of work matters here."""

    company_id: str
    correlation_id: str
    clock: Clock


def due_row(job: Job, at: datetime, key: str, unit: Scheduler) -> tuple[DueRow, int | None]:
    """The row, and the seconds to its time when that is so near that it is to be queued at once."""
    now, at = to_utc(unit.clock()), to_utc(at)
    near = at <= now + LOOK_AHEAD
    row = due_row_at(unit.company_id, key)
    row.shard = f"due#{random.randrange(SHARDS)}"
    row.due_at = stamp(at)
    row.look_at = stamp(next_look(at, now, 0)) if near else stamp(at)
    row.nonce = new_id("due")
    row.job = job.name()
    row.correlation_id = unit.correlation_id
    row.handed = int(near)
    row.data = encode(job)
    return row, seconds_until(at, now) if near else None


def due_row_at(company_id: str, key: str) -> DueRow:
    """The row's address."""
    return DueRow(due_partition(company_id), key)


def due_partition(company_id: str) -> str:
    """Where all of a company's lie."""
    return f"{company_id}#due"


def seconds_until(at: datetime, now: datetime) -> int:
    """Whole seconds to wait, so that it is never early; 0 for what is past."""
    return max(0, math.ceil((at - now).total_seconds()))


def next_look(at: datetime, now: datetime, handed: int) -> datetime:
    """When to look whether a job that was handed over `handed` times before, and once more now, has been done.

    Sweeps look ahead, so they come upon it `LOOK_AHEAD` earlier.
    """
    doubled: timedelta = HAND_AGAIN * 2 ** min(handed, MOST_DOUBLINGS)
    return max(at, now) + LOOK_AHEAD + min(doubled, LONGEST_WAIT)
