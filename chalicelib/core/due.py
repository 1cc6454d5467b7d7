"""Due work: jobs for a time to come, written with the action they belong to, handed to their queues when it is near.

A row stays until its job was done or unscheduled. The index by time is read from its beginning, so whatever is due is
found, oldest first, however long nobody looked (docs/decisions/0033-due-work.md).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from pynamodb.exceptions import DeleteError, UpdateError

from chalicelib.core import queues
from chalicelib.core.clock import Clock, now, stamp
from chalicelib.core.due_rows import LOOK_AHEAD, SHARDS, due_partition, due_row_at, next_look, seconds_until
from chalicelib.core.envelope import Envelope, envelope_of
from chalicelib.core.errors import NotFound
from chalicelib.core.events import Job, UnknownName, job_type
from chalicelib.core.logging import log
from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.queues import BATCH, Message
from chalicelib.core.rows import DueRow
from chalicelib.core.tables import Key, fetch_one

SWEEP_SECONDS = 50
"""A sweep ends before the next one of its minute begins; what it leaves is the oldest then."""
PAGE = 100
NOT_MET = "ConditionalCheckFailedException"
_LISTING = Listing(DueRow, None, "pk", "sk")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is scheduled. `handed`: how often it was put on its queue; more than once: it was not done in time."""

    company_id: str
    key: str
    id: str
    job: str
    due_at: str
    handed: int
    correlation_id: str
    payload: str


def sweep(clock: Clock = now) -> int:
    """Hand over what is due within `LOOK_AHEAD`, oldest first, until all is or 50 s have passed; returns how many."""
    end = clock() + timedelta(seconds=SWEEP_SECONDS)
    with ThreadPoolExecutor(SHARDS) as pool:
        return sum(pool.map(lambda shard: _sweep_shard(f"due#{shard}", clock, end), range(SHARDS)))


def _sweep_shard(shard: str, clock: Clock, end: datetime) -> int:
    handed, batch = 0, list[_Claim]()
    near = DueRow.look_at <= stamp(clock() + LOOK_AHEAD)
    for row in DueRow.query(shard, near, index_name="by_time", page_size=PAGE):
        if clock() >= end:
            log.warning("due work is left to the next sweep", extra={"shard": shard, "oldest": row.look_at})
            break
        claim = _claimed(row, clock())
        if claim:
            batch.append(claim)
        if len(batch) == BATCH:
            handed += _hand_over(batch, clock())
            batch = []
    return handed + _hand_over(batch, clock())


class _Claim(NamedTuple):
    row: DueRow
    job: Job
    due_at: datetime

    def message(self, at: datetime) -> Message:
        """What goes on its queue, held back until its time."""
        envelope = envelope_of(self.job, self.row.nonce, self.row.correlation_id, self.row.sk)
        return envelope.message(self.job.queue, seconds_until(self.due_at, at))


def _claimed(row: DueRow, at: datetime) -> _Claim | None:
    """The row, when it is ours to hand over: one of any number of sweeps moves `look_at` on."""
    try:
        job = job_type(row.job).from_json(row.data or "")
    except (UnknownName, msgspec.MsgspecError) as error:
        # A newer or older version of the code wrote it: it stays, and is looked at again.
        log.error("cannot hand over", extra={"job": row.job, "why": str(error)})
        return None
    due_at = datetime.fromisoformat(row.due_at)
    try:
        row.update(
            [
                DueRow.look_at.set(stamp(next_look(due_at, at, int(row.handed)))),
                DueRow.handed.set(int(row.handed) + 1),
            ],
            (DueRow.nonce == row.nonce) & (DueRow.look_at == row.look_at),
        )
    except UpdateError as error:
        if error.cause_response_code != NOT_MET:
            raise
        return None  # unscheduled, moved, done, or claimed by another sweep
    return _Claim(row, job, due_at)


def _hand_over(batch: list[_Claim], at: datetime) -> int:
    """Send them; what the queue refuses is looked at again by the next sweep."""
    messages = [claim.message(at) for claim in batch]
    refused = queues.send(messages)
    for claim, message in zip(batch, messages, strict=True):
        if any(message is one for one in refused):
            _look_again(claim.row, claim.row.due_at)
    return len(batch) - len(refused)


def is_still_due(envelope: Envelope) -> bool:
    """Whether a job that its queue delivers is still to be done, under the very scheduling that it came from."""
    if not envelope.due:
        return True
    row = fetch_one(Key(DueRow, due_partition(envelope.company_id), envelope.due))
    return row is not None and row.nonce == envelope.id


def put_off(envelope: Envelope, seconds: float, at: datetime) -> None:
    """Do not hand it over again before its own next try is over."""
    if envelope.due:
        row = due_row_at(envelope.company_id, envelope.due)
        row.nonce = envelope.id
        _look_again(row, stamp(next_look(at + timedelta(seconds=seconds), at, 0)))


def close(envelope: Envelope) -> None:
    """Forget that it was scheduled: it has been done, or given up. What was scheduled anew under its key stays."""
    if not envelope.due:
        return
    try:
        due_row_at(envelope.company_id, envelope.due).delete(DueRow.nonce == envelope.id)
    except DeleteError as error:
        if error.cause_response_code != NOT_MET:
            raise


def _look_again(row: DueRow, look_at: str) -> None:
    try:
        row.update([DueRow.look_at.set(look_at)], DueRow.nonce == row.nonce)
    except UpdateError as error:
        if error.cause_response_code != NOT_MET:
            raise


def of_company(company_id: str, *, limit: int, cursor: str | None = None) -> Page[Due]:
    """What a company has scheduled, by key; one Query."""
    return page(_LISTING, due_partition(company_id), limit=limit, cursor=cursor).map(_due)


def by_time(until: datetime, limit: int) -> list[Due]:
    """What any company has scheduled for `until` or before, the earliest first; a Query for each shard."""
    found = [row for shard in range(SHARDS) for row in _of_shard(f"due#{shard}", until, limit)]
    return [_due(row) for row in sorted(found, key=lambda row: str(row.due_at))[:limit]]


def _of_shard(shard: str, until: datetime, limit: int) -> Iterator[DueRow]:
    return DueRow.query(shard, DueRow.look_at <= stamp(until), index_name="by_time", limit=limit)


def get(company_id: str, key: str) -> Due:
    """What is scheduled under that key; raises NotFound."""
    row = fetch_one(Key(DueRow, due_partition(company_id), key))
    if row is None:
        raise NotFound("due_not_found", f"Nothing is scheduled under {key}.")
    return _due(row)


def _due(row: DueRow) -> Due:
    return Due(
        company_id=row.pk.partition("#")[0],
        key=row.sk,
        id=row.nonce,
        job=row.job,
        due_at=row.due_at,
        handed=int(row.handed),
        correlation_id=row.correlation_id,
        payload=row.data or "",
    )
