"""The system's health, as the API and `pilot status` tell it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core import heartbeats, ops_health, switches, watched
from chalicelib.core.clock import now
from chalicelib.core.heartbeats import Heartbeat, beat, polling
from chalicelib.core.liveness import UNSEEN
from chalicelib.core.ops_health import OpsHealth, SwitchHealth
from chalicelib.core.queues import LANES
from chalicelib.core.settings import settings
from chalicelib.core.switches import Off
from chalicelib.core.unit import Unit
from infra.local.invoking import Caller, call
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, Try, put, put_job


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    heartbeats.forget()
    yield
    heartbeats.forget()


def look() -> OpsHealth:
    return ops_health.look(now())


def test_where_nothing_has_happened_yet_nothing_is_wrong(aws: EmbeddedAws) -> None:
    health = look()
    assert health.ok
    assert [worker.queue for worker in health.workers] == sorted(LANES)
    assert {worker.status for worker in health.workers} == {"idle"}
    assert health.relay.status == "idle"
    assert {schedule.status for schedule in health.schedules} == {"never"}
    assert {"sweep_outbox", "check_chains"} <= {schedule.name for schedule in health.schedules}


def test_what_waits_for_a_worker_that_is_not_seen_is_told(aws: EmbeddedAws, doing: Doing) -> None:
    put_job(Try(company_id="com_1"))
    assert look().ok  # it has come in just now, and on AWS nobody has measured it yet
    beat(Heartbeat(name=polling("default"), at=now() - UNSEEN - timedelta(seconds=1)))
    health = look()
    (late,) = [worker for worker in health.workers if worker.status == "late"]
    assert (late.queue, late.waiting, late.seen_at) == ("default", 1, None)
    assert not health.ok
    beat(Heartbeat(name="work_default", at=now(), job="trial.Try", waited_seconds=3))
    health = look()
    (busy,) = [worker for worker in health.workers if worker.queue == "default"]
    assert (busy.status, busy.last_job, busy.waited_seconds) == ("working", "trial.Try", 3)
    assert health.ok


def test_the_age_that_sqs_reports_makes_a_worker_late(aws: EmbeddedAws, doing: Doing) -> None:
    put_job(Try(company_id="com_1"))
    beat(Heartbeat(name="work_default", at=now()))
    for seconds, minutes in ((900, 4), (4000, 1)):
        aws_clients.client("cloudwatch").put_metric_data(
            Namespace="AWS/SQS",
            MetricData=[
                {
                    "MetricName": "ApproximateAgeOfOldestMessage",
                    "Dimensions": [{"Name": "QueueName", "Value": settings().queue("default")}],
                    "Timestamp": now() - timedelta(minutes=minutes),
                    "Value": seconds,
                }
            ],
        )
    (worker,) = [worker for worker in look().workers if worker.queue == "default"]
    assert (worker.status, worker.oldest_seconds) == ("late", 4000)


def test_what_is_switched_off_is_told_and_meant_to_be(aws: EmbeddedAws) -> None:
    assert look().switched_off == []
    since = now()
    switches.turn(lambda: Unit("platform"), "vendor:calcom", Off(since, "it books twice"))
    health = look()
    assert health.switched_off == [SwitchHealth(name="vendor:calcom", since=since, why="it books twice")]
    assert health.ok


def test_dead_letters_are_told(aws: EmbeddedAws) -> None:
    put("what was this?", "messages-dead")
    health = look()
    assert [worker.queue for worker in health.workers if worker.dead_letters] == ["messages"]
    assert not health.ok


def test_the_relay_is_late_when_an_event_is(aws: EmbeddedAws, doing: Doing) -> None:
    for minutes in (4, 1):
        at = now() - timedelta(minutes=minutes)
        unit = Unit("com_1", clock=partial(datetime.fromtimestamp, at.timestamp(), UTC))
        unit.enqueue(Try(company_id="com_1"))
        unit.commit()
    health = look()
    assert health.relay.status == "late"
    assert health.relay.pending_seconds is not None
    assert 240 <= health.relay.pending_seconds < 300
    assert not health.ok


@pytest.mark.parametrize(("ago", "failed", "status"), [(1, False, "ok"), (1, True, "failed"), (60, False, "late")])
def test_a_schedule_that_does_not_run_or_fails_is_told(aws: EmbeddedAws, ago: int, failed: bool, status: str) -> None:
    beat(Heartbeat(name="sweep_outbox", at=now() - timedelta(minutes=ago), failed=failed))
    health = look()
    (schedule,) = [schedule for schedule in health.schedules if schedule.name == "sweep_outbox"]
    assert schedule.status == status
    assert health.ok == (status == "ok")


def test_it_is_told_by_the_ability_alone(aws: EmbeddedAws) -> None:
    answer = call("GET", "/api/ops/health", caller=Caller("com_1", "ops:read"))
    assert answer.status == 200
    assert answer.json["ok"]
    assert len(answer.json["workers"]) == len(LANES)
    assert call("GET", "/api/ops/health", caller=Caller("com_1", "practice:read")).status == 403


def test_a_lambda_knows_the_endpoints_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "watched.json"
    file.write_bytes(msgspec.json.encode(watched.load()[:2]))
    monkeypatch.setattr(watched, "FILE", file)
    watched.load.cache_clear()
    assert len(watched.load()) == 2
    watched.load.cache_clear()
