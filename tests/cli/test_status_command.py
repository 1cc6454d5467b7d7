"""`pilot status`: of the running local system, and of a stage."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.core import heartbeats
from chalicelib.core.clock import now
from chalicelib.core.heartbeats import Heartbeat, beat, polling
from chalicelib.core.liveness import UNSEEN
from chalicelib.core.settings import settings
from infra.local.ministack import free_port
from tests.cli.conftest import Pilot
from tests.core.trial_area import Doing, Try, put_job


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    heartbeats.forget()
    yield
    heartbeats.forget()


@pytest.fixture
def gone() -> int:
    """The id of a process that is no more."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def running(pilot: Pilot, **more: int) -> dict[str, int]:
    """Be a local system with these processes beside those that every one has."""
    pids = {"supervisor": os.getpid(), "aws": os.getpid(), "worker-default": os.getpid(), "relay": os.getpid()} | more
    pilot.start(pids=pids, restarts={"worker-default": 2})
    return pids


def saved(pilot: Pilot, *, unchanged: bool, ago: timedelta = timedelta(0)) -> None:
    folder = pilot.folder / "aws"
    folder.mkdir(exist_ok=True)
    (folder / "current.json").write_text(json.dumps({"as_of": now().isoformat(), "size": 2_400_000}))
    if unchanged:
        (folder / "unchanged").touch()
    at = (now() - ago).timestamp()
    os.utime(folder, (at, at))


def row_of(shown: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in shown["processes"] if row["name"] == name]
    found: dict[str, Any] = row
    return found


def test_each_process_is_shown_with_what_it_did_last(pilot: Pilot, doing: Doing) -> None:
    running(pilot, scheduler=os.getpid(), calcom=os.getpid())
    beat(Heartbeat(name="work_default", at=now(), job="booking.MailCustomer"))
    beat(Heartbeat(name="sweep_outbox", at=now() - timedelta(minutes=1)))
    beat(Heartbeat(name="poll_calcom", at=now()))
    put_job(Try(company_id="com_1"))
    shown = pilot.json("status")
    worker = row_of(shown, "worker-default")
    assert (worker["alive"], worker["pid"], worker["restarts"]) == (True, os.getpid(), 2)
    assert (worker["does"], worker["last_job"], worker["backlog"]) == ("working", "booking.MailCustomer", 1)
    assert row_of(shown, "scheduler")["last_job"] == "poll_calcom"
    assert row_of(shown, "calcom")["backlog"] is None
    assert shown["health"]["ok"]
    text = pilot("status").stdout
    for word in ("worker-default", "booking.MailCustomer", "poll_calcom", "Restarts", "Backlog"):
        assert word in text


def test_who_is_dead_fails_the_check(pilot: Pilot, gone: int) -> None:
    running(pilot)
    assert pilot("status", "--check").exit_code == 0
    running(pilot, api=gone)
    assert row_of(pilot.json("status"), "api")["alive"] is False
    assert pilot("status").exit_code == 0
    assert pilot("status", "--check").exit_code == 1


def test_who_is_late_fails_the_check_and_is_named(pilot: Pilot, doing: Doing) -> None:
    running(pilot)
    put_job(Try(company_id="com_1"))
    assert pilot("status", "--check").exit_code == 0
    beat(Heartbeat(name=polling("default"), at=now() - UNSEEN - timedelta(seconds=1)))
    result = pilot("status", "--check")
    assert result.exit_code == 1
    assert "Late: default." in result.stderr


def test_a_schedule_that_fails_is_shown(pilot: Pilot) -> None:
    running(pilot, scheduler=os.getpid())
    beat(Heartbeat(name="sweep_outbox", at=now(), failed=True))
    assert row_of(pilot.json("status"), "scheduler")["does"] == "failed"
    shown = pilot("status").stdout
    assert "sweep_outbox" in shown
    assert "rate(1 minute)" in shown


def test_it_says_as_of_when_the_data_is_saved(pilot: Pilot) -> None:
    running(pilot)
    assert "No data is saved yet" in pilot("status").stdout
    saved(pilot, unchanged=True)
    assert "(2.4 MB); nothing has changed since." in pilot("status").stdout
    assert pilot.json("status")["data"]["unsaved_since"] is None
    (pilot.folder / "aws" / "unchanged").unlink()
    saved(pilot, unchanged=False, ago=timedelta(seconds=50))
    result = pilot("status", "--check")
    assert "is not saved yet" in result.stdout
    assert result.exit_code == 0
    saved(pilot, unchanged=False, ago=timedelta(seconds=70))
    assert pilot("status", "--check").exit_code == 1


def test_while_the_embedded_aws_is_silent_the_processes_are_shown_all_the_same(pilot: Pilot) -> None:
    environment = pilot.aws.environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    pilot.start(pids={"supervisor": os.getpid(), "aws": os.getpid()}, environment=environment)
    result = pilot("status")
    assert result.exit_code == 1
    assert "silent" in result.stdout
    assert "supervisor" in result.stdout
    assert "Stage local does not answer" in result.stderr


def test_without_a_running_system_it_says_so(pilot: Pilot) -> None:
    (pilot.folder / "ready.json").unlink()
    result = pilot("status")
    assert result.exit_code == 1
    assert "make run" in result.stderr


def test_of_a_stage_workers_relay_and_schedules_are_shown(stage: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_PREFIX", "pilot-dev")
    settings.cache_clear()
    beat(Heartbeat(name="work_sync", at=now(), job="accounting.SyncAccount"))
    beat(Heartbeat(name="sweep_outbox", at=now()))
    monkeypatch.delenv("PILOT_PREFIX")
    settings.cache_clear()
    result = stage("--stage", "dev", "status")
    assert result.exit_code == 0, result.stderr
    for word in (
        "accounting.SyncAccount",
        "sweep_outbox",
        "check_chains",
        "never",
        "The relay is idle",
        "nothing waits",
    ):
        assert word in result.stdout
    shown = stage.json("--stage", "dev", "status")
    assert (shown["processes"], shown["data"]) == ([], None)
    assert shown["health"]["ok"]
