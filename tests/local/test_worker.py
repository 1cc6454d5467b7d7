"""The workers of `make run` and `pilot work`."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core import failed_jobs
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.function import Function
from chalicelib.core.queues import DEAD, Message, send
from chalicelib.core.settings import settings
from chalicelib.core.worker import deliver
from infra.local import worker
from infra.local.invocation import invoke
from infra.local.worker import consumers, run_worker
from tests.conftest import EmbeddedAws

View = Callable[[dict[str, Any]], Any]


def hand_over(endpoint: Endpoint, poll_seconds: int = 0) -> int:
    """Let the endpoint's Lambda have its queue's next batch; returns how many messages there were."""

    def handle(_: str, event: dict[str, Any]) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = invoke(endpoint, event)
        return answer

    return deliver(f"{endpoint.queue}{DEAD}" if endpoint.dead else endpoint.queue, handle, poll_seconds)


def consumer(queue: str, view: View) -> Endpoint:
    function = Function("functions.queues.test")

    def consume(event: dict[str, Any]) -> Any:
        """Consume."""
        return view(event)

    function.on_lane(queue)(consume)
    return function.endpoints[0]


def put(queue: str, *bodies: str) -> None:
    assert not send([Message(queue, body, "com_test") for body in bodies])


def left(queue: str) -> tuple[int, int]:
    """Messages that are visible, and those in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = aws_clients.client("sqs").get_queue_attributes(QueueUrl=settings().queue_url(queue), AttributeNames=names)
    return int(found["Attributes"][names[0]]), int(found["Attributes"][names[1]])


def test_the_endpoint_gets_what_lambda_would_get(aws: EmbeddedAws) -> None:
    events: list[dict[str, Any]] = []
    put("sync", "one", "two")
    assert hand_over(consumer("sync", events.append)) == 2
    records = events[0]["Records"]
    assert sorted(record["body"] for record in records) == ["one", "two"]
    assert {record["eventSource"] for record in records} == {"aws:sqs"}
    assert {record["attributes"]["ApproximateReceiveCount"] for record in records} == {"1"}
    assert {record["attributes"]["MessageGroupId"] for record in records} == {"com_test"}
    assert records[0]["eventSourceARN"] == f"arn:aws:sqs:eu-central-1:{aws.account}:pilot-test-sync"
    assert left("sync") == (0, 0)


def test_only_what_the_endpoint_wants_again_stays(aws: EmbeddedAws) -> None:
    def view(event: dict[str, Any]) -> Any:
        bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in bad]}

    put("sync", "good", "bad", "good")
    assert hand_over(consumer("sync", view)) == 3
    assert left("sync") == (0, 1)


def test_a_endpoint_that_raises_loses_nothing(aws: EmbeddedAws) -> None:
    def view(event: dict[str, Any]) -> Any:
        raise RuntimeError("broken")

    put("sync", "one", "two")
    assert hand_over(consumer("sync", view)) == 2
    assert left("sync") == (0, 2)


def test_an_empty_queue_calls_no_endpoint(aws: EmbeddedAws) -> None:
    def view(event: dict[str, Any]) -> Any:
        raise AssertionError("called")

    assert hand_over(consumer("sync", view)) == 0


def test_the_first_queue_comes_first(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[str] = []
    stop = threading.Event()

    def view(event: dict[str, Any]) -> None:
        worked.extend(record["body"] for record in event["Records"])
        if worked[-1] == "low 1":
            put("default", "low 2")
            put("sync", "high 3")
        if len(worked) == 5:
            stop.set()

    endpoints = [consumer(queue, view) for queue in ("default", "sync")]
    monkeypatch.setattr(worker, "endpoints_of", lambda kind: endpoints)
    monkeypatch.setattr(worker, "consumers", lambda queues, dead=False: [] if dead else consumers(queues))
    put("default", "low 1")
    put("sync", "high 1")
    put("sync", "high 2")
    run_worker(["sync", "default"], stop)
    assert worked == ["high 1", "high 2", "low 1", "high 3", "low 2"]


def test_dead_messages_become_failed_jobs(aws: EmbeddedAws) -> None:
    put("messages-dead", "what was this?")
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(["messages"], stop))
    thread.start()
    deadline = time.monotonic() + 10
    while not failed_jobs.of_queue("messages") and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    thread.join()
    assert [job.queue for job in failed_jobs.of_queue("messages")] == ["messages"]
    assert left("messages-dead") == (0, 0)


def test_a_queue_that_does_not_exist_is_named(aws: EmbeddedAws) -> None:
    with pytest.raises(ValueError, match=r"No such queue: nonsense\..*default"):
        run_worker(["default", "nonsense"], threading.Event())
