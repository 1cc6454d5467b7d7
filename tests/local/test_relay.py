"""The outbox's relay of `make run`."""

import time
from pathlib import Path
from typing import Any

import pytest

from chalicelib.calls.jobs import RecordCall
from chalicelib.core import aws as aws_clients
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.needs import Needs
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local import ministack, relay
from infra.local.provision import provision
from infra.local.relay import MOST_TRIES, StreamReader
from tests.conftest import EmbeddedAws


def commit(delivery_id: str = "d1") -> str:
    unit = Unit("com_test")
    event_id = unit.enqueue(RecordCall(company_id="com_test", delivery_id=delivery_id))
    unit.commit()
    return event_id


def queued() -> int:
    found = aws_clients.client("sqs").get_queue_attributes(
        QueueUrl=settings().queue_url(RecordCall.queue), AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def pending(event_id: str) -> bool:
    row = OutboxRow.find(f"com_test#{event_id}", "event")
    assert row is not None
    return row.pending is not None


class Recorder:
    """A stream endpoint that keeps what it is given and wants the records of `refused` keys again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: list[str] = []
        self.refused: set[str] = set()
        endpoint = Endpoint(
            "stream", "record", "functions.streams.test", Needs(), 128, 60, "", batch_size=100, entry=self
        )
        monkeypatch.setattr(relay, "endpoints_of", lambda kind: [endpoint])

    def __call__(self, event: dict[str, Any], context: object) -> Any:
        failures = []
        for record in event["Records"]:
            key = record["dynamodb"]["Keys"]["pk"]["S"].partition("#")[2]
            self.keys.append(key)
            if key in self.refused:
                failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
        return {"batchItemFailures": failures}


def test_what_is_committed_reaches_its_queue(aws: EmbeddedAws, tmp_path: Path) -> None:
    reader = StreamReader(tmp_path / "relay.json")
    event_id = commit()
    assert pending(event_id)
    assert reader.read() == 1
    assert queued() == 1
    assert not pending(event_id)


def test_a_new_reader_goes_on_where_the_old_one_was(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    first, second = commit("d1"), commit("d2")
    assert StreamReader(tmp_path / "relay.json").read() == 2
    third = commit("d3")
    assert StreamReader(tmp_path / "relay.json").read() == 1
    assert recorder.keys == [first, second, third]


@pytest.mark.parametrize("kept", ["{}", "not json", '{"stream":"other","run":"","shards":{"shardId-1":"7"}}'])
def test_without_a_usable_checkpoint_it_begins_at_the_beginning(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    recorder = Recorder(monkeypatch)
    (tmp_path / "relay.json").write_text(kept)
    event_id = commit()
    assert StreamReader(tmp_path / "relay.json").read() == 1
    assert recorder.keys == [event_id]


def test_a_place_that_is_gone_is_the_beginning(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "relay.json"
    recorder = Recorder(monkeypatch)
    event_id = commit()
    reader = StreamReader(file)
    reader.read()
    number = reader._checkpoint.shards
    file.write_text(file.read_text().replace(next(iter(number.values())), "000000000000000000000000000001"))
    assert StreamReader(file).read() == 1
    assert recorder.keys == [event_id, event_id]


def test_a_refused_record_comes_again_and_what_follows_waits(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    reader = StreamReader(tmp_path / "relay.json")
    first, second, third = commit("d1"), commit("d2"), commit("d3")
    recorder.refused = {second}
    assert reader.read() == 1
    assert reader.read() == 0
    assert reader.stuck
    recorder.refused = set()
    assert reader.read() == 2
    assert not reader.stuck
    assert recorder.keys == [first, second, third, second, third, second, third]


def test_a_record_that_is_always_refused_is_left_to_the_sweep(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(monkeypatch)
    reader = StreamReader(tmp_path / "relay.json")
    bad, good = commit("d1"), commit("d2")
    recorder.refused = {bad}
    rounds = [reader.read() for _ in range(MOST_TRIES + 1)]
    assert rounds == [0] * (MOST_TRIES - 1) + [1, 1]
    assert recorder.keys[-1] == good


def test_in_another_run_of_the_embedded_aws_it_begins_anew_and_sweeps_once(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, swept = ["first"], list[str]()

    def sweep() -> int:
        swept.append(run[0])
        return 0

    monkeypatch.setattr(relay, "run_of", lambda answer: run[0])
    recorder = Recorder(monkeypatch)
    reader = StreamReader(tmp_path / "relay.json", sweep)
    first = commit("d1")
    assert [reader.read() for _ in range(4)] == [1, 0, 0, 0]
    assert swept == ["first"]
    run[0] = "second"
    second = commit("d2")
    assert [reader.read() for _ in range(4)] == [0, 2, 0, 0]
    assert recorder.keys == [first, first, second]
    assert swept == ["first", "second"]
    # One that is started in the same run goes on where this one was.
    assert StreamReader(tmp_path / "relay.json", sweep).read() == 0
    assert swept == ["first", "second"]


def test_what_cannot_be_swept_now_is_swept_later(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [2, 1, 0]
    Recorder(monkeypatch)
    reader = StreamReader(tmp_path / "relay.json", lambda: answers.pop(0))
    assert [reader.read() for _ in range(5)] == [0] * 5
    assert answers == []


def test_what_was_pending_when_the_embedded_aws_was_killed_is_relayed_at_once(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # R3: its checkpoint lay beyond the new stream, and the event waited for the sweep of what is two minutes late.
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", "0.1")
    running = ministack.start(data_dir=tmp_path / "aws")
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        settings.cache_clear()
        aws_clients.forget_clients()
        provision()
        reader = StreamReader(tmp_path / "relay.json")
        for number in range(5):
            commit(f"relayed {number}")
        while reader.read():
            continue
        event_id = commit("not relayed yet")
        while not (tmp_path / "aws" / "unchanged").exists():
            time.sleep(0.02)
        running.process.kill()
        running.stop()
        running = ministack.start(int(running.url.rsplit(":", 1)[1]), tmp_path / "aws")
        aws_clients.forget_clients()
        assert pending(event_id)
        rounds = 0
        while pending(event_id):
            reader.read()
            rounds += 1
            assert rounds < 10
        another = commit("after the start")
        while pending(another):
            reader.read()
            rounds += 1
            assert rounds < 20
    finally:
        running.stop()
