"""MiniStack under its launcher: what survives which end, and what is said about the rest."""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.clock import now
from infra.local import ministack
from infra.local.emulator.files import write
from infra.local.emulator.generations import Store
from infra.local.emulator.serving import RUN_HEADER
from infra.local.ministack import DataUnreadable
from tests.local.box import ENOUGH_SECONDS, NEVER, Box, children, cut, sockets, until


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", "0.2")
    made = Box(tmp_path / "aws")
    yield made
    made.end()


def test_a_stop_keeps_tables_queues_objects_and_keys(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", NEVER)
    box.start()
    assert box.notices == []
    box.create_table()
    box.put("one")
    queue = box.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    box.client("sqs").send_message(QueueUrl=queue, MessageBody="do it")
    bucket = {"Bucket": "files-of-ours"}
    box.client("s3").create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    box.client("s3").put_object(**bucket, Key="a/recording", Body=b"\x00sound", ContentType="audio/wav")
    key = box.client("kms").create_key()["KeyMetadata"]["KeyId"]
    sealed = box.client("kms").encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    box.stop()
    assert not box.running.lost
    assert box.notices == ["Saving …"]
    box.start()
    assert box.notices == []
    assert box.keys() == {"one"}
    port = queue.split(":")[2].partition("/")[0]
    moved = queue.replace(port, box.running.url.rsplit(":", 1)[1])
    (message,) = box.client("sqs").receive_message(QueueUrl=moved)["Messages"]
    assert message["Body"] == "do it"
    found = box.client("s3").get_object(**bucket, Key="a/recording")
    assert (found["Body"].read(), found["ContentType"]) == (b"\x00sound", "audio/wav")
    assert box.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
    # Of its own way of saving nothing is left: it would be read by nobody, and written without a check.
    assert not [name for name in box.contents() if name.startswith("state/")]


def test_a_kill_loses_only_what_was_not_saved_and_the_next_start_says_so(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.start()
    box.create_table()
    box.put("saved")
    box.wait_until_saved()
    box.kill()
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", NEVER)
    box.start()
    assert box.notices == []  # all was saved: there is nothing to say
    assert box.keys() == {"saved"}
    box.put("not saved")
    box.kill()
    box.start()
    assert box.keys() == {"saved"}
    (message,) = box.notices
    assert message.startswith("The embedded AWS ended without saving. The data is as of ")


def test_objects_go_back_with_the_tables(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.start()
    bucket = {"Bucket": "files-of-ours"}
    box.client("s3").create_bucket(**bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    box.client("s3").put_object(**bucket, Key="kept", Body=b"first")
    box.client("s3").put_object(**bucket, Key="removed", Body=b"there")
    box.wait_until_saved()
    box.stop()
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", NEVER)
    box.start()
    box.client("s3").put_object(**bucket, Key="kept", Body=b"second, longer")
    box.client("s3").delete_object(**bucket, Key="removed")
    box.client("s3").put_object(**bucket, Key="new", Body=b"x")
    box.kill()
    box.start()
    listed = {each["Key"]: each["Size"] for each in box.client("s3").list_objects_v2(**bucket)["Contents"]}
    assert listed == {"kept": 5, "removed": 5}
    assert box.client("s3").get_object(**bucket, Key="kept")["Body"].read() == b"first"
    assert "ended without saving" in box.notices[0]


def test_killed_before_anything_was_saved_it_says_that_it_begins_anew(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_LOCAL_SAVE_SECONDS", NEVER)
    box.start()
    box.create_table()
    box.kill()
    box.start()
    assert box.notices == ["The embedded AWS ended before anything was saved, and begins anew."]


def test_a_newest_generation_that_cannot_be_read_is_told_and_kept(box: Box) -> None:
    box.start()
    box.create_table()
    box.put("older")
    box.wait_until_saved()
    box.put("newer")
    box.wait_until_saved()
    box.stop()
    newest = box.generations()[-1]
    cut(newest / "services" / "dynamodb.json")
    box.start()
    assert box.keys() == {"older"}
    (message,) = box.notices
    aside = newest.with_name(f"{newest.name}.unreadable")
    assert str(aside / "services" / "dynamodb.json") in message
    assert "as of" in message
    box.put("later")
    box.stop()
    assert aside.exists()
    box.start()
    assert box.keys() == {"older", "later"}


def test_if_none_can_be_read_it_does_not_start_and_touches_nothing(box: Box) -> None:
    box.start()
    box.create_table()
    box.wait_until_saved()
    box.put("newer")
    box.stop()
    for each in box.generations():
        cut(each / "services" / "dynamodb.json")
    before = box.contents()
    with pytest.raises(DataUnreadable) as raised:
        box.start()
    for each in box.generations():
        assert str(each / "services" / "dynamodb.json") in str(raised.value)
    assert "make reset" in str(raised.value)
    assert box.contents() == before


def test_what_a_newer_ministack_has_written_is_not_read_as_if_it_were_ours(box: Box) -> None:
    store = Store(box.folder)
    store.take_objects(None)
    folder = store.begin()
    store.link_objects(folder)
    write(folder / "services" / "dynamodb.json", b'{"__ministack_format__": 99, "payload": {}}')
    store.finish(folder, now())
    with pytest.raises(DataUnreadable, match=r"dynamodb\.json was written by a newer MiniStack"):
        box.start()


def test_on_a_full_disk_what_was_saved_stays_and_a_stop_says_what_is_lost(box: Box) -> None:
    box.start()
    box.create_table()
    box.put("before")
    box.wait_until_saved()
    # As on a full disk: files may not grow beyond this.
    resource.prlimit(box.running.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    box.put("too large", "x" * 30_000)
    until(lambda: box.running.news.hear() or any("could not be saved" in text for text in box.notices))
    assert box.keys() == {"before", "too large"}
    box.stop()
    assert box.running.lost
    assert "Lost is what has changed since" in box.notices[-1]
    assert "File too large" in box.notices[-1]
    box.start()
    assert "ended without saving" in box.notices[0]
    assert box.keys() == {"before"}


def test_a_stop_while_it_is_busy_saves_all_that_was_answered(box: Box) -> None:
    box.start()
    box.create_table()
    for number in range(120):
        box.put(f"large {number}", "x" * 100_000)
    box.wait_until_saved()
    answered: list[str] = []

    def write_on(name: str) -> None:
        with suppress(BotoCoreError, ClientError):
            for number in count():
                box.put(f"{name} {number}")
                answered.append(f"{name} {number}")

    writers = [Thread(target=write_on, args=(name,)) for name in ("a", "b", "c")]
    for each in writers:
        each.start()
    until(lambda: len(answered) > 50)
    box.running.stop()
    for each in writers:
        each.join(ENOUGH_SECONDS)
    assert not box.running.lost
    assert "Saving 12 MB …" in box.notices
    box.start()
    assert set(answered) <= box.keys()
    assert len(box.keys()) >= 120 + len(answered)


def test_an_emulator_that_does_not_end_is_killed_and_it_is_said_what_is_lost(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.start()
    box.create_table()
    box.wait_until_saved()
    monkeypatch.setattr(ministack, "STOP_SECONDS", 0.3)
    os.kill(box.running.process.pid, signal.SIGSTOP)
    box.stop()
    assert box.running.lost
    assert "does not end, and is killed. What has changed since" in box.notices[-1]


def test_a_save_that_outlives_its_emulator_counts_and_is_waited_for(box: Box) -> None:
    box.start()
    box.create_table()
    box.wait_until_saved()
    for number in range(40):
        box.put(f"row {number}", "x" * 100_000)
    # Stop a child as soon as it has begun to save, kill its parent, and let it go on.
    until(lambda: [child for child in children(box.running.process.pid) if not sockets(child)])
    (child,) = children(box.running.process.pid)
    os.kill(child, signal.SIGSTOP)
    box.running.process.kill()
    box.running.process.wait()
    with pytest.raises((BotoCoreError, ClientError)):
        box.put("nobody answers")  # the child holds neither the port nor a connection
    begun = time.monotonic()
    os.kill(child, signal.SIGCONT)
    box.start()
    assert time.monotonic() - begun < ENOUGH_SECONDS
    assert len(box.keys()) >= 1


def test_two_never_work_on_the_same_data(box: Box) -> None:
    box.start()
    messages: list[str] = []
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr(ministack, "OTHER_SECONDS", 0.2)
        with pytest.raises(ministack.InUse, match="fuser"):
            ministack.start(data_dir=box.folder, tell=messages.append)
    assert messages == ["The embedded AWS of before is still saving; waiting for it …"]


def test_every_run_has_a_name_of_its_own(box: Box) -> None:
    def run_of(answer: Any) -> str:
        return str(answer["ResponseMetadata"]["HTTPHeaders"][RUN_HEADER.decode()])

    box.start()
    box.create_table()
    first = run_of(box.put("one"))
    assert run_of(box.put("two")) == first
    box.stop()
    box.start()
    assert run_of(box.put("three")) != first


def test_asking_changes_nothing(box: Box) -> None:
    box.start()
    box.create_table()
    queue = box.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    box.wait_until_saved()
    before = box.generations()
    box.keys()
    box.client("sqs").receive_message(QueueUrl=queue)
    box.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
    box.client("dynamodb").describe_table(TableName="things")
    with suppress(ClientError):
        box.client("s3").get_object(Bucket="none", Key="none")
    assert (box.folder / "unchanged").exists()
    assert box.generations() == before
