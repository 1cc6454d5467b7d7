"""The schedules of `make run`."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import count

from chalicelib.calls.jobs import RecordCall
from chalicelib.core import aws as aws_clients
from chalicelib.core.clock import now
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.needs import Needs
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.expressions import parse
from infra.local.invocation import endpoints_of
from infra.local.scheduler import LONGEST_WAIT_SECONDS, Timetable, run_schedule, run_scheduler
from tests.conftest import EmbeddedAws

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def endpoint(name: str, expression: str) -> Endpoint:
    return Endpoint("schedule", name, "functions.platform.test", Needs(), 128, 60, "", schedule=expression)


def names(endpoints: list[Endpoint]) -> list[str]:
    return [one.name for one in endpoints]


def test_a_rate_is_due_at_the_start_and_then_after_its_period() -> None:
    timetable = Timetable([endpoint("sweep", "rate(1 minute)")], NOON)
    assert names(timetable.take(NOON)) == ["sweep"]
    assert names(timetable.take(NOON + timedelta(seconds=59))) == []
    assert names(timetable.take(NOON + timedelta(seconds=60))) == ["sweep"]


def test_a_cron_waits_for_its_time_and_what_was_slept_through_runs_once() -> None:
    timetable = Timetable([endpoint("nightly", "cron(30 12 * * ? *)")], NOON)
    assert names(timetable.take(NOON)) == []
    assert names(timetable.take(NOON + timedelta(days=3, hours=1))) == ["nightly"]
    assert names(timetable.take(NOON + timedelta(days=3, hours=2))) == []


def test_it_waits_until_the_next_is_due_but_never_long() -> None:
    timetable = Timetable([endpoint("nightly", "cron(30 12 * * ? *)"), endpoint("soon", "cron(1 12 * * ? *)")], NOON)
    assert timetable.seconds(NOON) == LONGEST_WAIT_SECONDS
    assert timetable.seconds(NOON + timedelta(seconds=58)) == 2
    assert timetable.seconds(NOON + timedelta(minutes=2)) == 0


def test_every_declared_schedule_runs_when_its_time_comes() -> None:
    ran: list[str] = []
    stop = threading.Event()
    minutes = count()

    def clock() -> datetime:
        return NOON + timedelta(minutes=next(minutes))

    def run(one: Endpoint) -> None:
        ran.append(one.name)
        if ran.count("sweep_outbox") == 3:
            stop.set()

    run_scheduler(stop, clock, run)
    assert ran.count("sweep_outbox") == 3


def test_every_declared_schedule_can_be_read() -> None:
    declared = endpoints_of("schedule")
    assert "sweep_outbox" in names(declared)
    for one in declared:
        assert parse(one.schedule).after(now())


def test_the_sweep_runs_as_its_lambda_would(aws: EmbeddedAws) -> None:
    unit = Unit("com_test", clock=lambda: now() - timedelta(minutes=5))
    event_id = unit.enqueue(RecordCall(company_id="com_test", delivery_id="d1"))
    unit.commit()
    sweep = next(one for one in endpoints_of("schedule") if one.name == "sweep_outbox")
    run_schedule(sweep)
    row = OutboxRow.find(f"com_test#{event_id}", "event")
    assert row is not None
    assert row.pending is None
    waiting = aws_clients.client("sqs").get_queue_attributes(
        QueueUrl=settings().queue_url(RecordCall.queue), AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert waiting["Attributes"]["ApproximateNumberOfMessages"] == "1"


def test_a_schedule_that_fails_does_not_end_the_scheduler() -> None:
    tried: list[object] = []

    def fail(event: object, context: object) -> None:
        tried.append(event)
        raise RuntimeError("broken")

    run_schedule(Endpoint("schedule", "broken", "functions.platform.test", Needs(), 128, 60, "", entry=fail))
    assert len(tried) == 1
