"""Jobs that failed for good: kept with their reason, retried through the outbox, or flushed."""

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.core import due
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.envelope import Envelope
from chalicelib.core.errors import NotFound
from chalicelib.core.events import job_type
from chalicelib.core.rows import FailedJobRow
from chalicelib.core.unit import Unit

KEEP = timedelta(days=90)
LONGEST_REASON = 1000


class FailedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One of them. `payload` is the job as JSON text ("" when the message was not a job at all)."""

    id: str
    queue: str
    job: str
    company_id: str
    correlation_id: str
    payload: str
    attempts: int
    reason: str
    failed_at: str


def record(queue: str, envelope: Envelope, attempts: int, reason: str, at: datetime) -> None:
    """Keep a job that is given up, and close what scheduled it; doing it twice keeps one."""
    _save(
        FailedJob(
            id=envelope.id,
            queue=queue,
            job=envelope.job,
            company_id=envelope.company_id,
            correlation_id=envelope.correlation_id,
            payload=bytes(envelope.payload).decode(),
            attempts=attempts,
            reason=reason[:LONGEST_REASON],
            failed_at=stamp(at),
        ),
        at,
    )
    due.close(envelope)


def record_message(queue: str, message: dict[str, Any], reason: str, at: datetime) -> None:
    """Keep a message that could not be read as a job, or that its consumer died of, so that nothing is lost."""
    attempts = int(message.get("attributes", {}).get("ApproximateReceiveCount", 0))
    try:
        envelope = msgspec.json.decode(message["body"], type=Envelope)
    except msgspec.MsgspecError:
        _save(
            FailedJob(
                id=str(message["messageId"]),
                queue=queue,
                job="",
                company_id="",
                correlation_id="",
                payload=base64.b64encode(message["body"].encode()).decode()[:200_000],
                attempts=attempts,
                reason=reason[:LONGEST_REASON],
                failed_at=stamp(at),
            ),
            at,
        )
        return
    record(queue, envelope, attempts, reason, at)


def record_dead_letters(queue: str, event: dict[str, Any], at: datetime) -> None:
    """Take the messages of a dead-letter queue's event over into the failed jobs."""
    for message in event["Records"]:
        record_message(queue, message, "its worker died or timed out every time it was delivered", at)


def of_queue(queue: str, limit: int = 100) -> list[FailedJob]:
    """The newest first; by an index, which may be a moment behind."""
    rows = FailedJobRow.query(queue, index_name="by_queue", scan_index_forward=False, limit=limit)
    return [row.model(FailedJob) for row in rows]


def each_of(queue: str) -> Iterator[FailedJob]:
    """All of a queue, the oldest first, page by page."""
    return (row.model(FailedJob) for row in FailedJobRow.query(queue, index_name="by_queue"))


def count(queue: str) -> int:
    """How many a queue has."""
    return FailedJobRow.count(queue, index_name="by_queue")


def get(job_id: str) -> FailedJob:
    """One by its id; raises NotFound."""
    row = FailedJobRow.find(*_address(job_id))
    if row is None:
        raise NotFound("failed_job_not_found", f"There is no failed job {job_id}.")
    return row.model(FailedJob)


def retry(failed: FailedJob, unit: Unit) -> str:
    """Let it be tried again from its first attempt; returns the id under which it now runs.

    Raises UnknownName when this version has no such job, NotFound when someone else retried or flushed it first.
    """
    job = job_type(failed.job).from_json(failed.payload)
    gone = NotFound("failed_job_not_found", f"The failed job {failed.id} is no longer there.")
    unit.delete(_row(failed), FailedJobRow.pk.exists(), gone)
    new_id = unit.enqueue(job)
    unit.commit()
    return new_id


def forget(failed: FailedJob) -> None:
    """Remove it for ever."""
    _row(failed).delete()


def _save(failed: FailedJob, at: datetime) -> None:
    row = _row(failed)
    row.data = msgspec.json.encode(failed).decode()
    row.expires_at = epoch(at + KEEP)
    row.save()


def _row(failed: FailedJob) -> FailedJobRow:
    return FailedJobRow(*_address(failed.id), queue=failed.queue, failed_at=failed.failed_at)


def _address(job_id: str) -> tuple[str, str]:
    return f"job#{job_id}", "failed"
