"""A worker outside Lambda: takes messages off lanes of queues, in order of priority, and does the jobs on them."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core import aws, failed_jobs, heartbeats, jobs, watched
from chalicelib.core.clock import now
from chalicelib.core.logging import log, log_context
from chalicelib.core.queues import BATCH, DEAD, LANES
from chalicelib.core.settings import settings

POLL_SECONDS = 1
"""A longer poll would only make stopping slower: one that is cut off may take a message with it."""
DEAD_LETTERS_EVERY_SECONDS = 5.0
PAUSE_SECONDS = 1.0
Deliver = Callable[[str, dict[str, Any]], dict[str, Any] | None]
"""Handles an SQS event of a queue; answers as a Lambda with ReportBatchItemFailures would."""


def _work(queue: str, event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs, and note it as the queue's own worker does."""
    answer: dict[str, Any] = heartbeats.watched(watched.worker_of(queue), partial(jobs.work, queue), event)
    return answer


def _consume_dead(queue: str, event: dict[str, Any]) -> None:
    failed_jobs.record_dead_letters(queue, event, now())


def run_worker(
    queues: Sequence[str], stop: threading.Event, work: Deliver = _work, consume_dead: Deliver = _consume_dead
) -> None:
    """Work off `queues` until `stop`, the first before the second and so on; dead letters become failed jobs.

    `work` and `consume_dead` handle a batch of a queue and of its dead-letter queue; both get its own name. The
    messages in hand are finished first. A queue that cannot be reached is tried again after a second.

    `queues` are lanes. Raises ValueError for a name that is none.
    """
    unknown = [queue for queue in queues if queue not in LANES]
    if unknown:
        raise ValueError(f"No such queue: {', '.join(unknown)}. There are {', '.join(LANES)}.")
    consume_dead_at, poll = 0.0, 0
    while not stop.is_set():
        note_polling(queues)
        try:
            if time.monotonic() >= consume_dead_at:
                consume_dead_letters(queues, consume_dead)
                consume_dead_at = time.monotonic() + DEAD_LETTERS_EVERY_SECONDS
            poll = 0 if work_first(queues, poll, work) else POLL_SECONDS
        except (BotoCoreError, ClientError) as error:
            log.warning("queue unreachable", extra={"queues": list(queues), "why": str(error)})
            stop.wait(PAUSE_SECONDS)


def note_polling(queues: Sequence[str]) -> None:
    """Note, once a minute at most, that these queues are polled; on AWS that says nothing, as Lambdas poll them too."""
    if settings().stage == "local":
        for queue in queues:
            heartbeats.beat(heartbeats.Heartbeat(name=heartbeats.polling(queue), at=now()))


def work_first(queues: Sequence[str], poll_seconds: int = 0, work: Deliver = _work) -> int:
    """Do the next batch of the first queue that has one; returns how many messages there were.

    Only the first queue is waited for, so that after every batch the order of priority holds anew.
    """
    for position, queue in enumerate(queues):
        taken = deliver(queue, work, poll_seconds if position == 0 else 0)
        if taken:
            return taken
    return 0


def consume_dead_letters(queues: Sequence[str], consume_dead: Deliver = _consume_dead) -> int:
    """Take over what lies in the dead-letter queues of `queues`; returns how many messages there were."""
    return sum(_consume_dead_of(queue, consume_dead) for queue in queues)


def _consume_dead_of(queue: str, consume_dead: Deliver) -> int:
    found = 0
    while taken := deliver(f"{queue}{DEAD}", lambda _, event: consume_dead(queue, event)):
        found += taken
    return found


def deliver(queue: str, handle: Deliver, poll_seconds: int = 0) -> int:
    """Hand the next batch to `handle` and delete what it finished; returns how many messages there were."""
    sqs, url = aws.client("sqs"), settings().queue_url(queue)
    messages: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=poll_seconds, MessageSystemAttributeNames=["All"]
    ).get("Messages", [])
    done = _finished(queue, messages, handle) if messages else []
    if done:
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(done)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return len(messages)


def _finished(queue: str, messages: list[dict[str, Any]], handle: Deliver) -> list[dict[str, Any]]:
    try:
        answer = handle(queue, sqs_event(queue, messages))
    except Exception:  # noqa: BLE001 - one bad batch must not end the worker
        # As on AWS: the whole batch comes back when its visibility ends.
        log.exception("batch failed", extra={"queue": queue})
        return []
    finally:
        log_context()
    failed = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures") or []}
    return [one for one in messages if one["MessageId"] not in failed]


def sqs_event(queue: str, messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The event that Lambda gets for these received messages."""
    account = settings().queue_base_url.rsplit("/", 1)[-1]
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one.get("Attributes", {}),
                "messageAttributes": {},
                "md5OfBody": one.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{settings().region}:{account}:{settings().queue(queue)}",
                "awsRegion": settings().region,
            }
            for one in messages
        ]
    }
