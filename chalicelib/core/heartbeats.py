"""Heartbeats: workers, the relay and schedules note that they ran, once a minute at most.

No Lambda that is idle writes anything; whoever reads decides what silence means (core/liveness.py).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException, UpdateError
from pynamodb.expressions.update import Action

from chalicelib.core.clock import Clock, epoch, now, stamp
from chalicelib.core.logging import log
from chalicelib.core.rows import HeartbeatRow
from chalicelib.core.tables import encode

TABLE = "heartbeats"
ALL = "heartbeats"
EVERY = timedelta(seconds=50)
"""A little less than a minute, so that what runs every minute is noted every time."""
KEEP = timedelta(days=90)
"""Longer than the longest pause of any schedule."""
_beaten: dict[str, datetime] = {}


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """`job`: of a worker, what it did last. `waited_seconds`: how long the oldest new message of its batch had waited.

    `failed`: the run, or a job of the batch, came to nothing.
    """

    name: str
    at: datetime
    job: str = ""
    failed: bool = False
    waited_seconds: int | None = None


class _Named(msgspec.Struct):
    job: str = ""


def watched(name: str, view: Callable[..., Any], *given: Any, clock: Clock = now) -> Any:
    """Run `view` and note under `name` that it ran, and whether it failed."""
    event = given[0] if given else {}
    begun = clock()
    try:
        answer = view(*given)
    except Exception:
        beat(_of(name, event, begun, clock(), failed=True))
        raise
    failed = isinstance(answer, dict) and bool(answer.get("batchItemFailures"))
    beat(_of(name, event, begun, clock(), failed=failed))
    return answer


def beat(heartbeat: Heartbeat) -> None:
    """Write it, unless one was written within the last minute, by this process or by another. Never raises.

    One conditional update; a process that has written lately does not even ask.
    """
    last = _beaten.get(heartbeat.name)
    if last is not None and heartbeat.at - last < EVERY:
        return
    _beaten[heartbeat.name] = heartbeat.at
    row = HeartbeatRow(ALL, heartbeat.name)
    actions: list[Action] = [
        HeartbeatRow.at.set(stamp(heartbeat.at)),
        HeartbeatRow.data.set(encode(heartbeat)),
        HeartbeatRow.expires_at.set(epoch(heartbeat.at + KEEP)),
    ]
    stale = HeartbeatRow.at.does_not_exist() | (HeartbeatRow.at <= stamp(heartbeat.at - EVERY))
    try:
        row.update(actions, stale)
    except UpdateError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            log.warning("heartbeat not written", extra={"why": str(error)})
    except (PynamoDBException, BotoCoreError, ClientError) as error:
        log.warning("heartbeat not written", extra={"why": str(error)})


def polling(queue: str) -> str:
    """The name under which a process of this machine notes that it polls the queue, whether or not there is a job."""
    return f"polling:{queue}"


def heartbeats() -> dict[str, Heartbeat]:
    """The last heartbeat of each endpoint, by its name; one Query."""
    return {row.sk: row.model(Heartbeat) for row in HeartbeatRow.query(ALL)}


def forget() -> None:
    """Let the next heartbeat of this process be written whenever it comes (tests)."""
    _beaten.clear()


def _of(name: str, event: dict[str, Any], begun: datetime, at: datetime, *, failed: bool) -> Heartbeat:
    records = [record for record in event.get("Records", ()) if "body" in record]
    job = _job_of(records[-1]["body"]) if records else ""
    return Heartbeat(name=name, at=at, job=job, failed=failed, waited_seconds=_waited(records, begun))


def _job_of(body: str) -> str:
    try:
        return msgspec.json.decode(body, type=_Named).job
    except msgspec.MsgspecError:
        return ""


def _waited(records: list[dict[str, Any]], begun: datetime) -> int | None:
    # Of what is delivered for the first time: the others wait because they failed.
    sent = [
        int(record["attributes"]["SentTimestamp"])
        for record in records
        if record.get("attributes", {}).get("ApproximateReceiveCount") == "1"
    ]
    return max(0, round(begun.timestamp() - min(sent) / 1000)) if sent else None
