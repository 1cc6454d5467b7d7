"""Heartbeats: what is noted of whom, how seldom, and that nothing fails with them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.core import heartbeats
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.function import Function
from chalicelib.core.heartbeats import EVERY, Heartbeat, beat, watched
from chalicelib.core.needs import Needs
from chalicelib.core.worker import sqs_event
from infra.local.invocation import invoke
from infra.local.scheduler import schedule_event
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Try, put_job, take

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    heartbeats.forget()
    yield
    heartbeats.forget()


def endpoint(kind: str, view: Any) -> Endpoint:
    function = Function("functions.queues.test")
    if kind == "queue":
        function.on_lane("default")(view)
    elif kind == "dead":
        function.on_dead_letters("default")(view)
    elif kind == "schedule":
        function.every("rate(1 minute)", needs=Needs())(view)
    else:
        function.on_outbox(needs=Needs())(view)
    return function.endpoints[0]


def event_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return sqs_event("default", messages)


def run(kind: str, answer: Any = None) -> Endpoint:
    """Let an endpoint of this kind have a job."""

    def work_it(event: dict[str, Any]) -> Any:
        """Work."""
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run_it() -> None:
        """Run."""
        if isinstance(answer, Exception):
            raise answer

    made = endpoint(kind, run_it if kind == "schedule" else work_it)
    put_job(Try(company_id="com_1"))
    invoke(made, schedule_event(made, NOON) if kind == "schedule" else event_of([] if kind == "stream" else take()))
    return made


def test_a_worker_notes_what_it_did_last(aws: EmbeddedAws) -> None:
    begun = datetime.now(UTC)
    run("queue")
    (found,) = heartbeats.heartbeats().values()
    assert (found.name, found.job, found.failed) == ("work_it", Try.name(), False)
    assert begun <= found.at <= datetime.now(UTC)
    assert found.waited_seconds is not None
    assert 0 <= found.waited_seconds < 60


@pytest.mark.parametrize(("kind", "name"), [("schedule", "run_it"), ("stream", "work_it")])
def test_schedules_and_the_relay_note_that_they_ran(aws: EmbeddedAws, kind: str, name: str) -> None:
    made = run(kind)
    assert list(heartbeats.heartbeats()) == [name]
    assert made.needs.updates == ("heartbeats",)


def test_a_dead_letter_consumer_notes_nothing(aws: EmbeddedAws) -> None:
    made = run("dead")
    assert heartbeats.heartbeats() == {}
    assert made.needs.updates == ()


def test_jobs_that_come_again_are_a_failure(aws: EmbeddedAws) -> None:
    run("queue", {"batchItemFailures": [{"itemIdentifier": "1"}]})
    assert heartbeats.heartbeats()["work_it"].failed


@pytest.mark.parametrize("kind", ["queue", "schedule", "stream"])
def test_what_fails_fails_as_before_and_is_noted(aws: EmbeddedAws, kind: str) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        run(kind, RuntimeError("broken"))
    (found,) = heartbeats.heartbeats().values()
    assert found.failed


def test_it_is_written_once_a_minute_at_most(aws: EmbeddedAws, calls: list[str]) -> None:
    for seconds in (0, 1, 49):
        beat(Heartbeat(name="work_it", at=NOON + timedelta(seconds=seconds), job=f"after {seconds}"))
    assert calls == ["dynamodb.UpdateItem"]
    assert heartbeats.heartbeats()["work_it"].job == "after 0"
    beat(Heartbeat(name="work_it", at=NOON + EVERY, job="a minute later"))
    assert heartbeats.heartbeats()["work_it"].job == "a minute later"


def test_another_process_does_not_write_what_was_just_written(aws: EmbeddedAws) -> None:
    beat(Heartbeat(name="work_it", at=NOON, job="the first one's"))
    heartbeats.forget()  # as another process
    beat(Heartbeat(name="work_it", at=NOON + EVERY - timedelta(seconds=1), job="too early"))
    assert heartbeats.heartbeats()["work_it"].job == "the first one's"
    heartbeats.forget()
    beat(Heartbeat(name="work_it", at=NOON + EVERY, job="in time"))
    assert heartbeats.heartbeats()["work_it"].job == "in time"


def test_what_runs_every_minute_is_noted_every_minute(aws: EmbeddedAws) -> None:
    for minute in range(4):
        at = NOON + timedelta(minutes=minute, seconds=0.1 * (-1) ** minute)
        watched("sweep", lambda: None, clock=[at, at].pop)
        assert heartbeats.heartbeats()["sweep"].at == at


def test_a_heartbeat_that_cannot_be_written_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, aws: EmbeddedAws
) -> None:
    monkeypatch.setattr("chalicelib.core.heartbeats.HeartbeatRow.table", type("T", (), {"name": "not-there"}))
    assert watched("work_it", lambda: "done") == "done"
    assert "heartbeat not written" in caplog.text


def test_a_body_that_is_no_job_is_no_job(aws: EmbeddedAws) -> None:
    message = {"MessageId": "1", "ReceiptHandle": "1", "Body": "what is this?", "Attributes": {}}
    watched("work_it", lambda event: None, event_of([message]))
    found = heartbeats.heartbeats()["work_it"]
    assert (found.job, found.waited_seconds) == ("", None)


def test_how_long_a_job_waited_is_that_of_the_oldest_new_one(aws: EmbeddedAws) -> None:
    def message(number: str, sent: datetime, times: int) -> dict[str, Any]:
        attributes = {"SentTimestamp": str(int(sent.timestamp() * 1000)), "ApproximateReceiveCount": str(times)}
        return {"MessageId": number, "ReceiptHandle": number, "Body": "{}", "Attributes": attributes}

    batch = [
        message("1", NOON - timedelta(seconds=5), 1),
        message("2", NOON - timedelta(seconds=90), 1),
        message("3", NOON - timedelta(hours=1), 2),
    ]
    watched("work_it", lambda event: None, event_of(batch), clock=lambda: NOON)
    assert heartbeats.heartbeats()["work_it"].waited_seconds == 90
