"""The named queues, and putting messages on them with the answer's Failed list checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.core import aws
from chalicelib.core.settings import settings

NAMED_QUEUES = ("default", "sync", "messages", "notifications", "workflows", "image_compression", "qa_automation")
DEAD = "-dead"
"""Every named queue `x` has the dead-letter queue `x-dead`."""
BATCH = 10
LONGEST_DELAY_SECONDS = 900


@dataclass(frozen=True)
class Message:
    """What goes on a queue: `group` (the company) keeps one loud company from starving the others."""

    queue: str
    body: str
    group: str
    delay_seconds: int = 0


def send(messages: Sequence[Message]) -> list[Message]:
    """Put the messages on their queues, ten at a time; returns those that SQS did not take."""
    refused: list[Message] = []
    for queue in dict.fromkeys(message.queue for message in messages):
        mine = [message for message in messages if message.queue == queue]
        for start in range(0, len(mine), BATCH):
            refused += _send_batch(queue, mine[start : start + BATCH])
    return refused


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


def hide(queue: str, receipt: str, seconds: int) -> None:
    """Let a received message come back after `seconds` (backoff), at most twelve hours."""
    aws.client("sqs").change_message_visibility(
        QueueUrl=settings().queue_url(queue), ReceiptHandle=receipt, VisibilityTimeout=min(seconds, 43_200)
    )
