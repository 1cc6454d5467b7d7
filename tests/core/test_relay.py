"""The relay: every event's jobs reach their queues, whatever is refused, late, unknown or told twice."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from chalicelib.core import aws, queues, relay
from chalicelib.core.clock import now
from chalicelib.core.envelope import Envelope
from chalicelib.core.events import Event, event_type, job_type
from chalicelib.core.queues import LARGEST_BATCH, Message
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from tests.core.trial_area import Doing, Happened, Try, TrySync, count, take, trial_area, work_once


@pytest.fixture(autouse=True)
def _listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    def tell(event: Happened, company_id: str) -> Try | None:
        return None if event.record_id == "dull" else Try(company_id=company_id, what=event.record_id)

    def tell_sync(event: Happened, company_id: str) -> Try | None:
        return None if event.record_id == "dull" else TrySync(company_id=company_id, what=event.record_id)

    monkeypatch.setattr(relay, "listeners", lambda: {Happened: [tell, tell_sync]})


def publish(*records: str, at: datetime | None = None) -> list[str]:
    """Commit an event for each record; returns their ids."""
    unit = Unit("com_1", correlation_id="cor_9", clock=(lambda: at) if at else now)
    ids = [unit.publish(Happened(record_id=record)) for record in records]
    unit.commit()
    return ids


def pending() -> set[str]:
    """Ids of what has not been queued."""
    return {row.event_id for row in OutboxRow.scan() if row.pending}


def stream(*kinds: str) -> dict[str, Any]:
    """What Lambda gets from the outbox's stream, in order; `kinds` per record, INSERT unless given."""
    rows = sorted(OutboxRow.scan(), key=lambda row: row.event_id)
    names = kinds or ("INSERT",) * len(rows)
    return {
        "Records": [
            {
                "eventName": name,
                "dynamodb": {"SequenceNumber": f"{number:05}", "NewImage": row.to_dynamodb_dict()},
            }
            for number, (name, row) in enumerate(zip(names, rows, strict=True))
        ]
    }


def queued(queue: str) -> list[Envelope]:
    """The jobs on a queue, taken off it."""
    found = []
    while messages := take(queue):
        found += [msgspec.json.decode(message["Body"], type=Envelope) for message in messages]
    return found


def refusing(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """SQS puts what contains one of the words on its answer's Failed list."""
    real = aws.client("sqs").send_message_batch

    def send(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        bad = [entry for entry in Entries if any(word in entry["MessageBody"] for word in words)]
        good = [entry for entry in Entries if entry not in bad]
        answer = real(QueueUrl=QueueUrl, Entries=good) if good else {}
        failed = [{"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in bad]
        return {**answer, "Failed": failed}

    monkeypatch.setattr(aws.client("sqs"), "send_message_batch", send)


def test_every_listener_of_an_event_gets_its_job(doing: Doing) -> None:
    [event_id] = publish("rec_1")
    assert relay.relay(stream()) == {"batchItemFailures": []}
    assert pending() == set()
    [mine], [synced] = queued("default"), queued("sync")
    assert (mine.job, mine.id, mine.company_id) == ("trial.Try", f"{event_id}:trial.Try", "com_1")
    assert (synced.job, synced.id) == ("trial.TrySync", f"{event_id}:trial.TrySync")
    assert mine.correlation_id == synced.correlation_id == "cor_9"


def test_a_job_enqueued_with_a_delay_waits_for_it(doing: Doing) -> None:
    unit = Unit("com_1")
    job_id = unit.enqueue(Try(company_id="com_1"))
    unit.enqueue(Try(company_id="com_1"), delay_seconds=600)
    unit.commit()
    relay.relay(stream())
    assert count() == {"waiting": 1, "hidden": 0, "delayed": 1}
    assert [envelope.id for envelope in queued("default")] == [job_id]


def test_what_is_on_the_failed_list_stays_pending_and_is_asked_for_again(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, "rec_3", "rec_8")
    ids = publish(*(f"rec_{number}" for number in range(12)))
    answer = relay.relay(stream())
    assert pending() == {ids[3], ids[8]}
    places = sorted(f"{sorted(ids).index(ids[number]):05}" for number in (3, 8))
    assert answer == {"batchItemFailures": [{"itemIdentifier": place} for place in places]}
    assert len(queued("default")) == 10


def test_an_event_is_published_only_when_all_its_jobs_are(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing(monkeypatch, "trial.TrySync")
    [event_id] = publish("rec_1")
    relay.relay(stream())
    assert pending() == {event_id}


def test_pending_is_taken_off_after_sending_and_not_before(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    publish("rec_1", "rec_2")
    seen: list[set[str]] = []
    real = queues.send

    def send(messages: Sequence[Message]) -> list[Message]:
        seen.append(pending())
        return real(messages)

    monkeypatch.setattr(queues, "send", send)
    relay.relay(stream())
    assert [len(each) for each in seen] == [2]
    assert pending() == set()


def test_a_relay_that_dies_while_sending_leaves_everything_pending(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = publish("rec_1", "rec_2")

    def die(messages: Sequence[Message]) -> list[Message]:
        raise KeyboardInterrupt

    monkeypatch.setattr(queues, "send", die)
    with pytest.raises(KeyboardInterrupt):
        relay.relay(stream())
    assert pending() == set(ids)


def test_a_queue_that_is_away_does_not_hold_up_the_others(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    real = aws.client("sqs").send_message_batch

    def send(QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        if QueueUrl.endswith("-sync"):
            raise ClientError({"Error": {"Code": "RequestThrottled"}}, "SendMessageBatch")
        answer: dict[str, Any] = real(QueueUrl=QueueUrl, Entries=Entries)
        return answer

    monkeypatch.setattr(aws.client("sqs"), "send_message_batch", send)
    unit = Unit("com_1")
    job_id = unit.enqueue(Try(company_id="com_1"))
    stuck = unit.enqueue(TrySync(company_id="com_1"))
    unit.commit()
    relay.relay(stream())
    assert pending() == {stuck}
    assert [envelope.id for envelope in queued("default")] == [job_id]


def test_an_event_nobody_listens_to_is_published_by_being_looked_at(doing: Doing) -> None:
    publish("dull")
    assert relay.relay(stream()) == {"batchItemFailures": []}
    assert pending() == set()
    assert queued("default") == []


def test_what_this_version_does_not_know_stays_pending_until_one_does(doing: Doing) -> None:
    class Later(Event):
        record_id: str

    Later.__module__ = "chalicelib.trial.events"
    unit = Unit("com_1")
    unknown = unit.publish(Later(record_id="rec_1"))
    unit.publish(Happened(record_id="rec_2"))
    unit.commit()
    answer = relay.relay(stream())
    assert pending() == {unknown}
    assert len(answer["batchItemFailures"]) == 1
    assert [envelope.job for envelope in queued("default")] == ["trial.Try"]

    import sys

    sys.modules["chalicelib.trial.events"].Later = Later  # type: ignore[attr-defined]
    relay.publish(OutboxRow.scan())
    assert pending() == set()


def test_an_event_whose_content_does_not_fit_stays_pending(doing: Doing) -> None:
    [event_id] = publish("rec_1")
    [row] = OutboxRow.scan()
    row.update([OutboxRow.data.set('{"record_id": 3}')])
    relay.relay(stream())
    assert pending() == {event_id}


def test_an_event_relayed_twice_gives_the_same_jobs_twice(doing: Doing) -> None:
    publish("rec_1")
    event = stream()
    relay.relay(event)
    relay.relay(event)
    assert len({envelope.id for envelope in queued("default")}) == 1
    assert pending() == set()


def test_what_is_no_new_event_is_passed_over(doing: Doing) -> None:
    publish("rec_1", "rec_2")
    assert relay.relay(stream("MODIFY", "REMOVE")) == {"batchItemFailures": []}
    assert len(pending()) == 2
    assert relay.relay({"Records": [{"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1"}}]}) == {
        "batchItemFailures": []
    }


def test_the_sweep_publishes_what_is_late_and_only_that(doing: Doing) -> None:
    publish("old", at=now() - timedelta(minutes=3))
    [fresh] = publish("new")
    assert relay.sweep(now()) == 1
    assert pending() == {fresh}
    assert [msgspec.json.decode(bytes(e.payload))["what"] for e in queued("default")] == ["old"]
    assert relay.sweep(now()) == 0
    assert relay.sweep(now() + timedelta(minutes=3)) == 1
    assert pending() == set()


def test_the_sweep_says_how_many_it_published_and_comes_back_to_the_rest(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = publish(*(f"rec_{number}" for number in range(25)), at=now() - timedelta(hours=1))
    with monkeypatch.context() as refused:
        refusing(refused, "rec_7", "rec_24")
        assert relay.sweep(now()) == 23
    assert pending() == {ids[7], ids[24]}
    assert relay.sweep(now()) == 2
    assert pending() == set()


def test_swept_jobs_get_done(doing: Doing) -> None:
    publish("rec_1", at=now() - timedelta(minutes=3))
    relay.sweep(now())
    work_once()
    assert doing.done == ["rec_1"]


def test_batches_hold_ten_messages_and_no_more_bytes_than_sqs_takes(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []
    real = queues._send_batch

    def send(queue: str, batch: Sequence[Message]) -> list[Message]:
        sizes.append((len(batch), sum(len(message.body.encode()) for message in batch)))
        return real(queue, batch)

    monkeypatch.setattr(queues, "_send_batch", send)
    small = [Message("default", "s", "com_1") for _ in range(23)]
    large = [Message("default", "ü" * 50_000, "com_1") for _ in range(5)]
    assert queues.send([*small, *large]) == []
    assert sum(number for number, _ in sizes) == 28
    assert all(number <= 10 and size <= LARGEST_BATCH for number, size in sizes)
    assert count()["waiting"] == 28


def test_names_are_found_again_after_the_area_is_gone_and_back() -> None:
    with trial_area():
        assert job_type("trial.Try") is Try
        assert event_type("trial.Happened") is Happened
