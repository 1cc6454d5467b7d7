"""The named queues, and putting messages on them with the answer's Failed list checked."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core import aws
from chalicelib.core.logging import log
from chalicelib.core.settings import settings

NAMED_QUEUES = (
    "default", "sync", "messages", "notifications", "workflows", "image_compression", "video_compression",
    "qa_automation",
)  # fmt: skip
DEAD = "-dead"
"""Every named queue `x` has the dead-letter queue `x-dead`."""
BATCH = 10
LARGEST_BATCH = 250_000
"""Bytes of bodies; SQS refuses a larger batch as a whole, however small each message is."""
LONGEST_DELAY_SECONDS = 900


class Message(msgspec.Struct, frozen=True):
    """What goes on a queue: `group` (the company) keeps one loud company from starving the others."""

    queue: str
    body: str
    group: str
    delay_seconds: int = 0


def send(messages: Sequence[Message]) -> list[Message]:
    """Put the messages on their queues, up to ten at a time; returns those that SQS did not take.

    A queue that fails as a whole (throttled, away) refuses its own messages and does not hold up other queues'.
    """
    refused: list[Message] = []
    for queue in dict.fromkeys(message.queue for message in messages):
        for batch in _batches([message for message in messages if message.queue == queue]):
            try:
                refused += _send_batch(queue, batch)
            except (BotoCoreError, ClientError) as error:
                log.error("queue refused a batch", extra={"queue": queue, "why": str(error)})
                refused += batch
    return refused


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size = 0
    for message in messages:
        weight = len(message.body.encode())
        if batch and (len(batch) == BATCH or size + weight > LARGEST_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += weight
    if batch:
        yield batch


def _send_batch(queue: str, batch: Sequence[Message]) -> list[Message]:
    entries: list[dict[str, Any]] = [
        {
            "Id": str(index),
            "MessageBody": message.body,
            "DelaySeconds": min(max(message.delay_seconds, 0), LONGEST_DELAY_SECONDS),
            "MessageGroupId": message.group,
        }
        for index, message in enumerate(batch)
    ]
    answer = aws.client("sqs").send_message_batch(QueueUrl=settings().queue_url(queue), Entries=entries)
    return [batch[int(failed["Id"])] for failed in answer.get("Failed", ())]
