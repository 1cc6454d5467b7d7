"""An area `trial` that exists only in tests: an event, a job, and a handler that does what the test says."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from chalicelib.core import aws, jobs
from chalicelib.core.envelope import envelope_of
from chalicelib.core.events import Event, Job
from chalicelib.core.needs import Needs
from chalicelib.core.settings import settings
from chalicelib.core.worker import sqs_event


class Happened(Event):
    """Something happened to a record."""

    record_id: str


class Try(Job):
    """Do what the test says, at most three times."""

    queue = "default"
    handler = "chalicelib.trial.doing:do"
    attempts = 3
    needs = Needs(sends=("default", "sync"))

    what: str = "it"


class TrySync(Try):
    """The same on another queue."""

    queue = "sync"


@dataclass
class Doing:
    """What the handler was given, in order, and what it does about it."""

    calls: list[tuple[Try, jobs.JobContext]] = field(default_factory=list)
    behaviour: Callable[[Try, jobs.JobContext], None] = lambda job, context: None

    def do(self, job: Try, context: jobs.JobContext) -> None:
        """The handler of `Try`."""
        self.calls.append((job, context))
        self.behaviour(job, context)

    @property
    def attempts(self) -> list[int]:
        """The attempt of each call."""
        return [context.attempt for _, context in self.calls]

    @property
    def done(self) -> list[str]:
        """What each call was about."""
        return [job.what for job, _ in self.calls]


@contextmanager
def trial_area() -> Iterator[Doing]:
    """The area is there, as `chalicelib/trial/` would be."""
    doing = Doing()
    parts: dict[str, dict[str, Any]] = {
        "jobs": {"Try": Try, "TrySync": TrySync},
        "events": {"Happened": Happened},
        "doing": {"do": doing.do},
    }
    for name, content in parts.items():
        module = ModuleType(f"chalicelib.trial.{name}")
        vars(module).update(content)
        sys.modules[module.__name__] = module
    for kind, name in ((Try, "jobs"), (TrySync, "jobs"), (Happened, "events")):
        kind.__module__ = f"chalicelib.trial.{name}"
    yield doing
    for name in parts:
        del sys.modules[f"chalicelib.trial.{name}"]


def put(body: str, queue: str = "default") -> None:
    """Put a message on a queue."""
    aws.client("sqs").send_message(QueueUrl=settings().queue_url(queue), MessageBody=body)


def put_job(job: Try, job_id: str = "evt_1") -> None:
    """Put a job on its queue as the relay does."""
    put(envelope_of(job, job_id, "cor_1").message(job.queue).body, job.queue)


def take(queue: str = "default") -> list[dict[str, Any]]:
    """Receive what is visible now."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=settings().queue_url(queue), MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


def work_once(queue: str = "default") -> list[str]:
    """Deliver what is visible as Lambda does, delete what was done; returns the bodies that come again."""
    messages = take(queue)
    if not messages:
        return []
    answer = jobs.work(queue, sqs_event(queue, messages))
    again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    for message in messages:
        if message["MessageId"] not in again:
            aws.client("sqs").delete_message(
                QueueUrl=settings().queue_url(queue), ReceiptHandle=message["ReceiptHandle"]
            )
    return [message["Body"] for message in messages if message["MessageId"] in again]


def count(queue: str = "default") -> dict[str, int]:
    """How many messages wait, are hidden or delayed."""
    suffixes = {"waiting": "", "hidden": "NotVisible", "delayed": "Delayed"}
    names = {word: f"ApproximateNumberOfMessages{end}" for word, end in suffixes.items()}
    found = aws.client("sqs").get_queue_attributes(
        QueueUrl=settings().queue_url(queue), AttributeNames=list(names.values())
    )
    return {word: int(found["Attributes"][name]) for word, name in names.items()}
