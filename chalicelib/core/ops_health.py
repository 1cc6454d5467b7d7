"""How the system itself is: its workers, its relay, its schedules and what waits for them."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.core import aws, switches, watched
from chalicelib.core.clock import to_utc
from chalicelib.core.heartbeats import Heartbeat, heartbeats, polling
from chalicelib.core.liveness import Backlog, Run, Work, relay_status, schedule_status, worker_status
from chalicelib.core.queues import DEAD
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import PENDING_SHARDS

COUNTS = {
    "waiting": "ApproximateNumberOfMessages",
    "delayed": "ApproximateNumberOfMessagesDelayed",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
}
AGE_WINDOW = timedelta(minutes=10)
"""SQS reports a queue's age every minute, a few minutes late."""


class WorkerHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A queue and its worker. `seen_at`: the last minute in which it worked, `last_job` what it did then.

    `oldest_seconds`: the age of the oldest message, null where nothing waits or nobody measures it (locally);
    `waited_seconds`: how long the newest work had waited when the worker took it.
    """

    queue: str
    status: Work
    seen_at: datetime | None
    last_job: str
    waiting: int
    delayed: int
    in_flight: int
    dead_letters: int
    oldest_seconds: int | None
    waited_seconds: int | None


class RelayHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The outbox's relay. `pending_seconds`: the age of the oldest event that it has not published."""

    status: Work
    seen_at: datetime | None
    pending_seconds: int | None


class ScheduleHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule; `never`: it has not run yet, which a new one that runs seldom may not have."""

    name: str
    schedule: str
    status: Run
    ran_at: datetime | None


class SwitchHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What is switched off: `vendor:<name>`, `job:booking.MailCustomer` or `public-booking`; since when, and why."""

    name: str
    since: datetime
    why: str


class OpsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """`ok`: nobody is late, no schedule failed, no dead letter lies about. What is switched off is meant to be."""

    stage: str
    at: datetime
    ok: bool
    workers: list[WorkerHealth]
    relay: RelayHealth
    schedules: list[ScheduleHealth]
    switched_off: list[SwitchHealth]


def look(at: datetime) -> OpsHealth:
    """How all is at this moment: a Query for the heartbeats, one for each shard of the outbox, a GetItem, two requests
    to SQS for each queue, and one to CloudWatch for the ages of queues in which something waits."""
    seen = heartbeats()
    endpoints = watched.load()
    workers = _workers([one for one in endpoints if one.kind == "queue"], seen, at)
    relay = _relay(next(one.name for one in endpoints if one.kind == "stream"), seen, at)
    schedules = [_schedule(one, seen.get(one.name), at) for one in endpoints if one.kind == "schedule"]
    well = (
        all(one.status != "late" and not one.dead_letters for one in workers)
        and relay.status != "late"
        and all(one.status not in ("late", "failed") for one in schedules)
    )
    off = [SwitchHealth(name=name, since=each.since, why=each.why) for name, each in sorted(switches.read().items())]
    return OpsHealth(
        stage=settings().stage, at=at, ok=well, workers=workers, relay=relay, schedules=schedules, switched_off=off
    )


def _workers(endpoints: list[watched.Watched], seen: dict[str, Heartbeat], at: datetime) -> list[WorkerHealth]:
    counts = {one.queue: queue_counts(one.queue) for one in endpoints}
    ages = _ages([queue for queue, found in counts.items() if found["waiting"]], at)
    return [_worker(one, counts[one.queue], ages.get(one.queue), seen, at) for one in endpoints]


def _worker(
    one: watched.Watched, counts: dict[str, int], oldest: int | None, seen: dict[str, Heartbeat], at: datetime
) -> WorkerHealth:
    last, polled = seen.get(one.name), seen.get(polling(one.queue))
    seen_at = last.at if last else None
    backlog = Backlog(counts["waiting"], counts["in_flight"], None if oldest is None else timedelta(seconds=oldest))
    return WorkerHealth(
        queue=one.queue,
        status=worker_status(backlog, seen_at, polled.at if polled else None, at),
        seen_at=seen_at,
        last_job=last.job if last else "",
        dead_letters=sum(queue_counts(f"{one.queue}{DEAD}").values()),
        oldest_seconds=oldest,
        waited_seconds=last.waited_seconds if last else None,
        **counts,
    )


def queue_counts(name: str) -> dict[str, int]:
    """How much is in a queue, by SQS's own approximate counts; one request."""
    answer = aws.client("sqs").get_queue_attributes(
        QueueUrl=settings().queue_url(name), AttributeNames=list(COUNTS.values())
    )
    return {key: int(answer["Attributes"][attribute]) for key, attribute in COUNTS.items()}


def _ages(queues: list[str], at: datetime) -> dict[str, int]:
    """The age of the oldest message of each, in seconds, where CloudWatch knows it."""
    if not queues:
        return {}
    queries: list[dict[str, Any]] = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": settings().queue(queue)}],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for number, queue in enumerate(queues)
    ]
    answer = aws.client("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=at - AGE_WINDOW, EndTime=at)
    newest = {
        each["Id"]: max(zip(each["Timestamps"], each["Values"], strict=True))[1]
        for each in answer["MetricDataResults"]
        if each["Values"]
    }
    return {queue: round(newest[f"q{number}"]) for number, queue in enumerate(queues) if f"q{number}" in newest}


def _relay(name: str, seen: dict[str, Heartbeat], at: datetime) -> RelayHealth:
    last = seen.get(name)
    since = _oldest_pending()
    pending = None if since is None else at - since
    return RelayHealth(
        status=relay_status(last.at if last else None, pending, at),
        seen_at=last.at if last else None,
        pending_seconds=None if pending is None else max(0, round(pending.total_seconds())),
    )


def _oldest_pending() -> datetime | None:
    found = [
        row.occurred_at
        for shard in range(PENDING_SHARDS)
        for row in OutboxRow.query(f"pending#{shard}", index_name="late", limit=1)
    ]
    return to_utc(datetime.fromisoformat(min(found))) if found else None


def _schedule(one: watched.Watched, last: Heartbeat | None, at: datetime) -> ScheduleHealth:
    ran_at = last.at if last else None
    return ScheduleHealth(
        name=one.name,
        schedule=one.schedule,
        status=schedule_status(one.schedule, ran_at, bool(last and last.failed), at),
        ran_at=ran_at,
    )
