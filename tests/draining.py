"""Runs the relay and the workers in this process until nothing is left to do."""

from typing import Any

from chalicelib.core import aws, relay
from chalicelib.core.jobs import work
from chalicelib.core.queues import NAMED_QUEUES
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings


def drain(*, rounds: int = 10) -> int:
    """Relay every pending event and do every visible job; returns how many jobs were done."""
    done = 0
    for _ in range(rounds):
        pending = [row for row in OutboxRow.scan() if row.pending]
        relay.publish(pending)
        worked = sum(_work_once(queue) for queue in NAMED_QUEUES)
        done += worked
        if not pending and not worked:
            return done
    raise AssertionError(f"still not done after {rounds} rounds")


def _work_once(queue: str) -> int:
    sqs = aws.client("sqs")
    url = settings().queue_url(queue)
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=0).get(
        "Messages", []
    )
    if not messages:
        return 0
    failures = {f["itemIdentifier"] for f in work(queue, sqs_event(queue, messages))["batchItemFailures"]}
    for message in messages:
        if message["MessageId"] not in failures:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def sqs_event(queue: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Received messages as Lambda would get them."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-central-1:000000000000:{queue}",
                "awsRegion": "eu-central-1",
            }
            for message in messages
        ]
    }
