"""The relay: puts the jobs of every published event on their queues, and only then takes `pending` off the event."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from pynamodb.exceptions import UpdateError

from chalicelib.core import queues
from chalicelib.core.clock import stamp
from chalicelib.core.envelope import envelope_of
from chalicelib.core.events import Event, Job, UnknownName, event_type, job_type
from chalicelib.core.logging import log, log_context
from chalicelib.core.rows import OutboxRow
from chalicelib.core.tables import Key, fetch
from chalicelib.core.unit import PENDING_SHARDS

LATE = timedelta(minutes=2)
SWEEP_LIMIT = 500
Listener = Callable[[Any, str], Job | None]


@cache
def listeners() -> dict[type[Event], list[Listener]]:
    """Who wants to know of which event, from every area's `listeners.py`."""
    found: dict[type[Event], list[Listener]] = {}
    for folder in sorted(Path(__file__).parents[1].iterdir()):
        name = f"chalicelib.{folder.name}.listeners"
        if folder.is_dir() and (folder / "__init__.py").exists() and find_spec(name):
            for event, mine in import_module(name).LISTENERS.items():
                found.setdefault(event, []).extend(mine)
    return found


def relay(event: dict[str, Any]) -> dict[str, Any]:
    """Handle one stream event; answers the first record to deliver again (the stream resumes there)."""
    rows: dict[str, OutboxRow] = {}
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if record["eventName"] == "INSERT" and image and "pending" in image:
            rows[record["dynamodb"]["SequenceNumber"]] = OutboxRow.from_raw_data(image)
    left = {row.event_id for row in publish(rows.values())}
    return {"batchItemFailures": [{"itemIdentifier": n} for n, row in rows.items() if row.event_id in left]}


def sweep(at: datetime) -> int:
    """Publish again what has been pending for over two minutes, whatever became of the stream; returns how many."""
    late: list[OutboxRow] = []
    for shard in range(PENDING_SHARDS):
        before = OutboxRow.occurred_at < stamp(at - LATE)
        late += OutboxRow.query(f"pending#{shard}", before, index_name="late", limit=SWEEP_LIMIT)
    rows = [row for row in fetch([Key(OutboxRow, row.pk, row.sk) for row in late]) if row is not None and row.pending]
    if rows:
        log.warning("sweeping", extra={"events": len(rows)})
    return len(rows) - len(publish(rows))


def publish(rows: Iterable[OutboxRow]) -> list[OutboxRow]:
    """Queue the jobs of these events and mark them published; returns those that are still pending."""
    batch = {row.event_id: row for row in rows}
    messages: list[tuple[str, queues.Message]] = []
    left: set[str] = set()
    for row in batch.values():
        try:
            messages += [(row.event_id, message) for message in _messages(row)]
        except (UnknownName, msgspec.MsgspecError) as error:
            # A newer or older version of the code wrote it: it stays pending, and the sweep tries again.
            log_context(event_id=row.event_id)
            log.error("cannot publish", extra={"type": row.type, "why": str(error)})
            left.add(row.event_id)
    refused = queues.send([message for _, message in messages])
    left |= {event_id for event_id, message in messages if any(message is one for one in refused)}
    for event_id, row in batch.items():
        if event_id not in left:
            _published(row)
    return [batch[event_id] for event_id in batch if event_id in left]


def _messages(row: OutboxRow) -> list[queues.Message]:
    name = row.type
    if name.startswith("job:"):
        job = job_type(name[4:]).from_json(row.data or "")
        key, _, nonce = (row.due or "").rpartition("#")
        envelope = envelope_of(job, nonce or row.event_id, row.correlation_id, key)
        return [envelope.message(job.queue, int(row.delay_seconds or 0))]
    event = msgspec.json.decode(row.data or "", type=event_type(name))
    jobs = [listener(event, row.company_id) for listener in listeners().get(type(event), ())]
    # The job's id follows from the event's, so that an event relayed twice gives the same job twice.
    return [
        envelope_of(job, f"{row.event_id}:{job.name()}", row.correlation_id).message(job.queue) for job in jobs if job
    ]


def _published(row: OutboxRow) -> None:
    try:
        row.update([OutboxRow.pending.remove()], OutboxRow.pending.exists())
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":  # published by someone else meanwhile
            raise
