"""What a simulator knows survives whatever ends it, and a file that cannot be read is named and left alone."""

import errno
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.simulators.calcom.event_types import EventType, event_type_from_text
from infra.local.simulators.calcom.simulator import CalComSimulator
from infra.local.simulators.state_file import StateFile, StateUnreadable

VERSION = {"cal-api-version": "2024-08-13"}
VISIT: EventType = event_type_from_text("101:visit:30:7")
ENOUGH_SECONDS = 10.0


def book(url: str, start: str = "2099-01-01T10:00:00Z") -> Any:
    body = {"start": start, "eventTypeId": 101, "attendee": {"name": "A", "timeZone": "UTC"}}
    return requests.post(f"{url}/v2/bookings", json=body, headers=VERSION, timeout=5)


def started(file: Path) -> CalComSimulator:
    made = CalComSimulator(event_types=[VISIT], state_file=file)
    made.start()
    return made


def test_who_was_answered_is_known_to_the_one_after_a_kill(tmp_path: Path) -> None:
    killed = started(tmp_path / "calcom.json")
    uid = book(killed.url).json()["data"]["uid"]
    # Nothing more happens to the first: as if it were killed as soon as it has answered.
    after = CalComSimulator(event_types=[VISIT], state_file=tmp_path / "calcom.json")
    after.start()
    assert list(after.bookings.all) == [uid]
    after.stop()
    killed.stop()


def test_what_changes_by_the_clock_is_kept_too(tmp_path: Path) -> None:
    file = tmp_path / "calcom.json"
    simulator = started(file)
    uid = book(simulator.url).json()["data"]["uid"]
    simulator.bookings.touch(simulator.bookings.all[uid], status="rejected")
    deadline = time.monotonic() + ENOUGH_SECONDS
    while json.loads(file.read_text())["bookings"][0]["status"] != "rejected":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    simulator.stop()


def test_looking_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "calcom.json"
    simulator = started(file)
    requests.get(f"{simulator.url}/_sim/bookings", timeout=5)
    assert not file.exists()
    simulator.stop()
    before = file.stat().st_mtime_ns
    again = started(file)
    again.stop()
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", [b'{"bookings": [{"uid": "a', b"", b"[]", b'{"eventTypes": []}'])
def test_a_file_that_cannot_be_read_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "calcom.json"
    file.write_bytes(content)
    with pytest.raises(StateUnreadable) as raised:
        started(file)
    assert str(file) in str(raised.value)
    assert "move it away" in str(raised.value)
    assert file.read_bytes() == content


def test_a_full_disk_leaves_the_file_as_it_was_and_answers_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = tmp_path / "calcom.json"
    simulator = started(file)
    assert book(simulator.url).status_code == 201
    before = file.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        assert book(simulator.url, "2099-01-01T11:00:00Z").status_code == 201
    assert file.read_bytes() == before
    assert "No space left" in capsys.readouterr().err
    simulator.stop()
    assert len(json.loads(file.read_text())["bookings"]) == 2


def test_without_a_file_nothing_is_kept() -> None:
    kept = StateFile(None)
    kept.write({"a": 1})
    assert not kept.wanted
    assert kept.read() is None
