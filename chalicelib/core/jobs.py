"""Working off a named queue: typed jobs, backoff, postponing, and giving up with a reason."""

import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec

from chalicelib.core import due, failed_jobs, queues, switches
from chalicelib.core.clock import Clock, now
from chalicelib.core.correlation import correlated
from chalicelib.core.envelope import Envelope
from chalicelib.core.errors import DomainError, Forbidden, Invalid, NotFound, RateLimited, SwitchedOff, VendorRefused
from chalicelib.core.events import Job, UnknownName, job_type
from chalicelib.core.logging import log, log_context, where
from chalicelib.core.unit import Actor, Unit
from chalicelib.core.visibility import Held

FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 900.0


class JobContext(msgspec.Struct, frozen=True):
    """What a handler knows beyond its job. `attempt` counts from 1; `id` is the same at every attempt."""

    id: str
    attempt: int
    last: bool
    correlation_id: str
    company_id: str
    clock: Clock

    def unit(self, company_id: str | None = None) -> Unit:
        """A unit of work in the name of this job."""
        actor = Actor("system", f"job:{self.id}")
        return Unit(company_id or self.company_id, actor, correlation_id=self.correlation_id, clock=self.clock)


class Postpone(Exception):
    """Not now: come back in `seconds`, and do not count this as an attempt."""

    def __init__(self, seconds: int, reason: str = "") -> None:
        super().__init__(reason or f"in {seconds} s")
        self.seconds = seconds


class CannotSucceed(Exception):
    """No further attempt will help; the message says why."""


FOR_GOOD = (CannotSucceed, Invalid, NotFound, Forbidden, VendorRefused)
"""What no repetition mends."""


def work(queue: str, event: dict[str, Any], clock: Clock = now) -> dict[str, Any]:
    """Do the jobs of one SQS event; answers which messages SQS must deliver again (partial batch failure)."""
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with (
        Held(queue, (record["receiptHandle"] for record in event["Records"])) as held,
        processor(event["Records"], lambda record: _work_one(held, record.raw_event, clock)),
    ):
        processor.process()
    return dict(processor.response())


class _Again(Exception):
    """Deliver this message again; its visibility has been set."""


class _Received(msgspec.Struct, frozen=True):
    """A message in hand. `attempt` counts those of the message and those that were spent before it."""

    held: Held
    receipt: str
    times: int
    envelope: Envelope

    @property
    def queue(self) -> str:
        return self.held.queue

    @property
    def attempt(self) -> int:
        return self.envelope.spent + self.times


def _work_one(held: Held, record: dict[str, Any], clock: Clock) -> None:
    try:
        envelope = msgspec.json.decode(record["body"], type=Envelope)
    except msgspec.MsgspecError as error:
        failed_jobs.record_message(held.queue, record, f"not a job: {error}", clock())
        return
    received = _Received(held, record["receiptHandle"], int(record["attributes"]["ApproximateReceiveCount"]), envelope)
    log_context(
        job_id=envelope.id,
        job=envelope.job,
        attempt=received.attempt,
        company_id=envelope.company_id,
        queue=held.queue,
    )
    with correlated(envelope.correlation_id):
        _settle(received, clock)


def _settle(received: _Received, clock: Clock) -> None:
    envelope = received.envelope
    try:
        if due.is_still_due(envelope):
            switches.require_job(envelope.job, clock)
            _run(envelope, received.attempt, clock)
            due.close(envelope)
            log.info("job done")
        else:
            log.info("job was unscheduled")
    except (Postpone, RateLimited, SwitchedOff) as wait:
        _postpone(received, wait, clock)
    except (*FOR_GOOD, UnknownName) as error:
        _give_up(received, error, clock)
    except Exception as error:  # noqa: BLE001 - whatever a job raises decides only when it is tried again
        _fail(received, error, clock)


def _run(envelope: Envelope, attempt: int, clock: Clock) -> None:
    kind = job_type(envelope.job)
    try:
        job = kind.from_json(bytes(envelope.payload))
    except msgspec.MsgspecError as error:
        raise CannotSucceed(f"its payload does not fit {envelope.job}: {error}") from None
    last = attempt >= kind.attempts
    handler_of(kind)(job, JobContext(envelope.id, attempt, last, envelope.correlation_id, envelope.company_id, clock))


def handler_of(kind: type[Job]) -> Callable[[Any, JobContext], None]:
    """The function that does jobs of this kind, imported now."""
    module, _, name = kind.handler.partition(":")
    found: Callable[[Any, JobContext], None] = getattr(import_module(module), name)
    return found


def _postpone(received: _Received, wait: Postpone | RateLimited | SwitchedOff, clock: Clock) -> None:
    seconds = wait.seconds if isinstance(wait, Postpone) else wait.retry_after
    due.put_off(received.envelope, seconds, clock())
    again = msgspec.structs.replace(received.envelope, spent=received.attempt - 1)
    # A copy goes out before this message is acknowledged: a crash between leaves two, never none.
    if queues.send([again.message(received.queue, seconds)]):
        raise _Again("the queue did not take the postponed copy")
    log.info("job postponed", extra={"seconds": seconds, "why": str(wait)})


def _fail(received: _Received, error: Exception, clock: Clock) -> None:
    most = job_type(received.envelope.job).attempts
    reason = error.code if isinstance(error, DomainError) else type(error).__name__
    log.warning("job failed", extra={"reason": reason, "where": where(error), "of": most}, exc_info=error)
    if received.attempt >= most:
        _give_up(received, error, clock)
        return
    seconds = round(backoff_seconds(received.attempt))
    due.put_off(received.envelope, seconds, clock())
    received.held.give_back(received.receipt, seconds)
    raise _Again(reason)


def backoff_seconds(attempt: int) -> float:
    """How long to wait after the attempt-th failure: doubling from two seconds, at most fifteen minutes, ±50 %."""
    doubled = FIRST_BACKOFF_SECONDS * 2.0 ** (attempt - 1)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * random.uniform(0.5, 1.5)


def _give_up(received: _Received, error: Exception, clock: Clock) -> None:
    detail = f"{type(error).__name__}: {error}"
    log.error("job given up", extra={"reason": detail})
    failed_jobs.record(received.queue, received.envelope, received.attempt, detail, clock())
