"""The outbox's stream on one machine: what a DynamoDB event source mapping does on AWS, checkpoint included."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.core import aws
from chalicelib.core import relay as outbox
from chalicelib.core.clock import now
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.logging import log, log_context
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from infra.local.emulator.serving import RUN_HEADER
from infra.local.invocation import endpoints_of, invoke

POLL_SECONDS = 0.1
PAUSE_SECONDS = 1.0
MOST_TRIES = 5
"""After that a record is left to the sweep, so that one that cannot be published does not hold up the others."""


def sweep_all() -> int:
    """Publish all that is pending, however new it is; returns how many events."""
    return outbox.sweep(now() + outbox.LATE)


class Checkpoint(msgspec.Struct):
    """How far the stream has been read: the last sequence number of each shard.

    `run`: of the embedded AWS. It keeps no stream over its end, so in another run these numbers mean nothing.
    """

    stream: str = ""
    run: str = ""
    shards: dict[str, str] = {}


class StreamReader:
    """Reads the outbox's stream from where `file` says it got to, and hands the records to the stream's endpoints.

    `sweep` publishes what was pending before the stream began; it returns how many events that were.
    """

    def __init__(self, file: Path, sweep: Callable[[], int] = sweep_all) -> None:
        self._file = file
        self._sweep = sweep
        self._endpoints = endpoints_of("stream")
        self._iterators: dict[str, str] = {}
        self._tries = 0
        self._checkpoint = Checkpoint()
        self._behind = False

    def open(self) -> None:
        """Find the stream and a place in every shard: its beginning where the kept place is gone (trimmed, or new)."""
        table = aws.client("dynamodb").describe_table(TableName=settings().table(OutboxRow.table.name))
        kept, stream, run = self._kept(), str(table["Table"]["LatestStreamArn"]), run_of(table)
        anew = (kept.stream, kept.run) != (stream, run)
        self._checkpoint = Checkpoint(stream, run, {}) if anew else kept
        self._behind = self._behind or anew
        description = aws.client("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]
        self._iterators = {shard["ShardId"]: self._place(shard["ShardId"]) for shard in description["Shards"]}

    def read(self) -> int:
        """One round over all shards; returns how many records were taken. Raises ClientError when a place is lost."""
        if not self._iterators:
            self.open()
        taken = sum(self._read_shard(shard) for shard in list(self._iterators))
        if self._behind and self._iterators and not taken and not self.stuck:
            # Once the stream itself has been read, so that what is in it is not published twice.
            self._behind = self._sweep() > 0
        return taken

    @property
    def stuck(self) -> bool:
        """Whether the record in front has been refused at least once."""
        return self._tries > 0

    def lost(self) -> None:
        """Look for the place anew at the next `read`."""
        self._iterators = {}

    def _read_shard(self, shard: str) -> int:
        limit = min(endpoint.batch_size for endpoint in self._endpoints)
        answer = aws.client("dynamodbstreams").get_records(ShardIterator=self._iterators[shard], Limit=limit)
        if run_of(answer) != self._checkpoint.run:
            log.info("the embedded AWS was started again: the stream begins anew")
            self.lost()
            return 0
        records = answer["Records"]
        done = self._hand_over(records) if records else 0
        if done:
            self._checkpoint.shards[shard] = records[done - 1]["dynamodb"]["SequenceNumber"]
            self._keep()
        if done < len(records):
            self._iterators[shard] = self._place(shard)
        elif "NextShardIterator" in answer:
            self._iterators[shard] = answer["NextShardIterator"]
        else:
            self._iterators.pop(shard)  # closed; once none is left, `read` looks for its successors
        return done

    def _hand_over(self, records: list[dict[str, Any]]) -> int:
        """How many from the front are done with: all, or those before the first that an endpoint wants again."""
        event = stream_event(records, self._checkpoint.stream)
        numbers = [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]
        unread = [
            numbers.index(number) for endpoint in self._endpoints for number in _failures(endpoint, event, numbers)
        ]
        log_context()
        first = min(unread, default=len(records))
        self._tries = self._tries + 1 if first == 0 else 0
        if self._tries >= MOST_TRIES:
            log.error("stream record left to the sweep", extra={"sequence_number": numbers[0]})
            self._tries = 0
            return 1
        return first

    def _place(self, shard: str) -> str:
        streams, stream = aws.client("dynamodbstreams"), self._checkpoint.stream
        after = self._checkpoint.shards.get(shard)
        try:
            if after:
                answer = streams.get_shard_iterator(
                    StreamArn=stream, ShardId=shard, ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=after
                )
                return str(answer["ShardIterator"])
        except streams.exceptions.TrimmedDataAccessException:
            log.info("stream trimmed", extra={"shard": shard})
        answer = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        return str(answer["ShardIterator"])

    def _keep(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f"{self._file.name}.new")
        new.write_bytes(msgspec.json.encode(self._checkpoint))
        new.replace(self._file)

    def _kept(self) -> Checkpoint:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Checkpoint)
        except (OSError, msgspec.MsgspecError):
            return Checkpoint()


def run_of(answer: dict[str, Any]) -> str:
    """Which run of the embedded AWS gave this answer; it names itself in a header."""
    return str(answer["ResponseMetadata"]["HTTPHeaders"].get(RUN_HEADER.decode(), ""))


def run_relay(stop: threading.Event, file: Path) -> None:
    """Relay until `stop`, then once more, so that what was committed before the stop is on its queues."""
    reader = StreamReader(file)
    while not stop.is_set():
        _round(reader, stop)
    _round(reader, stop)


def _round(reader: StreamReader, stop: threading.Event) -> None:
    try:
        if not reader.read():
            stop.wait(PAUSE_SECONDS if reader.stuck else POLL_SECONDS)
    except (BotoCoreError, ClientError, PynamoDBException) as error:
        log.warning("stream unreachable", extra={"why": str(error)})
        reader.lost()
        stop.wait(PAUSE_SECONDS)


def _failures(endpoint: Endpoint, event: dict[str, Any], numbers: list[str]) -> list[str]:
    try:
        answer = invoke(endpoint, event)
    except Exception:  # noqa: BLE001 - whatever it raises, the record is tried again
        log.exception("relay failed", extra={"endpoint": endpoint.name})
        return numbers[:1]
    failures = answer.get("batchItemFailures") or [] if isinstance(answer, dict) else []
    return [failure["itemIdentifier"] for failure in failures]


def stream_event(records: list[dict[str, Any]], stream: str) -> dict[str, Any]:
    """The event that Lambda gets for these records: with its source, and times as numbers."""
    return {
        "Records": [
            {
                **record,
                "eventSourceARN": stream,
                "dynamodb": {
                    **record["dynamodb"],
                    "ApproximateCreationDateTime": record["dynamodb"]["ApproximateCreationDateTime"].timestamp(),
                },
            }
            for record in records
        ]
    }
