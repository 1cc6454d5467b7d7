"""The workers of named queues on one machine: what an SQS event source mapping does on AWS."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core import aws
from chalicelib.core.doors import Door
from chalicelib.core.logging import log, log_context
from chalicelib.core.queues import BATCH, DEAD
from chalicelib.core.settings import settings
from infra.local.invocation import doors_of, invoke

WAIT_SECONDS = 1
"""One long poll. Longer would only make stopping slower: a poll that is cut off may take a message with it."""
DEAD_EVERY_SECONDS = 5.0
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Consumer:
    """A queue and the door that consumes it."""

    queue: str
    door: Door


def run_worker(queues: Sequence[str], stop: threading.Event) -> None:
    """Work off `queues` until `stop`, the first before the second and so on, and bury their dead messages.

    The message in hand is finished first. Raises ValueError for a queue that no door consumes.
    """
    living, dead = consumers(queues), consumers(queues, dead=True)
    bury_at = 0.0
    idle = False
    while not stop.is_set():
        try:
            if time.monotonic() >= bury_at:
                bury_at = time.monotonic() + DEAD_EVERY_SECONDS
                while any([deliver(one) for one in dead]) and not stop.is_set():
                    continue
            idle = not _deliver_first(living, wait=WAIT_SECONDS if idle else 0)
        except (BotoCoreError, ClientError) as error:
            log.warning("queue unreachable", extra={"queues": list(queues), "why": str(error)})
            stop.wait(PAUSE_SECONDS)


def consumers(queues: Sequence[str], *, dead: bool = False) -> list[Consumer]:
    """The consumers of these queues (or of their dead-letter queues), in this order."""
    by_queue = {door.queue: door for door in doors_of("queue") if door.dead == dead}
    missing = [queue for queue in queues if queue not in by_queue]
    if missing:
        raise ValueError(f"No such queue: {', '.join(missing)}. There are {', '.join(sorted(by_queue))}.")
    return [Consumer(f"{queue}{DEAD}" if dead else queue, by_queue[queue]) for queue in queues]


def _deliver_first(living: list[Consumer], wait: int) -> int:
    # Whoever finds something lets the next round begin at the top: a lower queue waits until the higher are empty.
    for position, one in enumerate(living):
        count = deliver(one, wait if position == 0 else 0)
        if count:
            return count
    return 0


def deliver(consumer: Consumer, wait: int = 0) -> int:
    """Hand the next batch to its door, delete what it finished; returns how many there were. `wait` in seconds."""
    sqs, url = aws.client("sqs"), settings().queue_url(consumer.queue)
    messages = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=min(consumer.door.batch_size, BATCH),
        WaitTimeSeconds=wait,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])
    if not messages:
        return 0
    done = _finished(consumer, messages)
    log_context()
    if done:
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(done)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return len(messages)


def _finished(consumer: Consumer, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        answer = invoke(consumer.door, sqs_event(consumer.queue, messages))
    except Exception:  # noqa: BLE001 - whatever it raises, the batch is delivered again
        # As on AWS: the whole batch comes back when its visibility ends.
        log.exception("worker failed", extra={"queue": consumer.queue})
        return []
    failures = answer.get("batchItemFailures") or [] if isinstance(answer, dict) else []
    failed = {failure["itemIdentifier"] for failure in failures}
    return [one for one in messages if one["MessageId"] not in failed]


def sqs_event(queue: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The event that Lambda gets for these received messages."""
    region = settings().region
    account = settings().queue_base_url.rsplit("/", 1)[-1]
    arn = f"arn:aws:sqs:{region}:{account}:{settings().queue(queue)}"
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "receiptHandle": one["ReceiptHandle"],
                "body": one["Body"],
                "attributes": one.get("Attributes", {}),
                "messageAttributes": one.get("MessageAttributes", {}),
                "md5OfBody": one.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": region,
            }
            for one in messages
        ]
    }
