"""`pilot routes`, `schedules` and `work`, and how they are called."""

import io
import json
import os
import signal
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import pytest

from chalicelib.cli import schedules
from chalicelib.core import aws
from chalicelib.core.clock import now
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from tests.cli.conftest import Pilot
from tests.core.trial_area import Doing, Try, TrySync, put_job

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "pilot"


def test_routes_lists_every_route(pilot: Pilot) -> None:
    rows = pilot.json("routes")
    assert {(row["method"], row["path"]) for row in rows} == {
        (r.method, r.path) for d in all_endpoints() for r in d.routes
    }
    [row] = [row for row in rows if (row["method"], row["path"]) == ("POST", "/api/appointments")]
    assert (row["ability"], row["area"]) == ("appointments:write", "booking")
    assert row["lambda"] == "pilot-local-booking-book_appointment"
    assert pilot.json("--stage", "prod", "routes", "--area", "booking")[0]["lambda"].startswith("pilot-prod-booking-")
    shown = pilot("routes").stdout
    assert all(word in shown for word in ("Method", "Ability", "/openapi.json", "public"))


def test_schedules_are_listed_and_run_here(pilot: Pilot, doing: Doing) -> None:
    listed = {one["name"]: one["schedule"] for one in pilot.json("schedules", "list")}
    assert {"sweep_outbox": "rate(1 minute)", "check_chains": "cron(40 4 ? * MON *)"}.items() <= listed.items()
    unit = Unit("com_1", clock=lambda: now().replace(year=2020))
    unit.enqueue(Try(company_id="com_1"))
    unit.commit()
    result = pilot("schedules", "run", "sweep_outbox")
    assert result.exit_code == 0, result.stderr
    [row] = OutboxRow.scan()
    assert not row.pending


def test_a_schedule_that_fails_fails_the_command(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.core import relay

    def fail(at: object) -> int:
        raise RuntimeError("no luck")

    monkeypatch.setattr(relay, "sweep", fail)
    result = pilot("schedules", "run", "sweep_outbox")
    assert result.exit_code == 1
    assert "RuntimeError: no luck" in result.stderr


def deploy(name: str, code: str) -> None:
    """A Lambda of that name on the embedded AWS."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("endpoint.py", code)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler="endpoint.handler",
        Role="arn:aws:iam::000000000000:role/x",
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"PILOT_MAIL_FROM": "stage@example.com"}},
    )


@pytest.mark.slow
def test_work_on_a_stage_is_told_what_its_lambda_is_told(stage: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.cli import work
    from chalicelib.core.settings import settings

    printed = []
    monkeypatch.setattr(work, "run_worker", lambda queues, stop: printed.append(settings()))
    deploy("pilot-dev-queues-work_sync", "def handler(event, context): pass")
    result = stage("work", "--queue", "sync", "--stage", "dev")
    assert result.exit_code == 0, result.stderr
    assert "Lambdas of dev take messages" in result.stderr
    [found] = printed
    assert (found.mail_from, found.prefix) == ("stage@example.com", "pilot-dev")
    assert found.queue_url("sync") == f"{stage.aws.url}/{stage.aws.account}/pilot-dev-sync"


@pytest.mark.slow
def test_a_schedule_of_a_stage_runs_in_its_lambda(stage: Pilot) -> None:
    deploy("pilot-dev-platform-sweep_outbox", "def handler(event, context): return event['detail-type']")
    assert stage.json("schedules", "run", "sweep_outbox", "--stage", "dev")["answer"] == "Scheduled Event"
    aws.client("lambda").delete_function(FunctionName="pilot-dev-platform-sweep_outbox")
    deploy("pilot-dev-platform-sweep_outbox", "def handler(event, context): raise ValueError('no luck')")
    result = stage("schedules", "run", "sweep_outbox", "--stage", "dev")
    assert result.exit_code == 1
    assert "no luck" in result.stderr


def test_the_event_is_eventbridges(pilot: Pilot) -> None:
    event = schedules.scheduled_event(schedules.schedule_endpoints()["sweep_outbox"])
    assert event["resources"] == [
        f"arn:aws:events:eu-central-1:{pilot.aws.account}:rule/pilot-test-platform-sweep_outbox"
    ]


def stop_after(calls: int, doing: Doing) -> threading.Thread:
    """Send this process Ctrl-C once the handler was called so often."""

    def watch() -> None:
        deadline = time.monotonic() + 15
        while len(doing.calls) < calls and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def test_work_does_jobs_in_order_of_priority_until_ctrl_c(pilot: Pilot, doing: Doing) -> None:
    def note(job: Try, context: JobContext) -> None:
        from chalicelib.core.logging import log

        log.warning("doing it", extra={"what": job.what})

    doing.behaviour = note
    for number in range(3):
        put_job(Try(company_id="com_1", what="low"), f"evt_l{number}")
        put_job(TrySync(company_id="com_1", what="high"), f"evt_h{number}")
    stopper = stop_after(6, doing)
    result = pilot("work", "--queue", "sync,default")
    stopper.join()
    assert result.exit_code == 0
    assert doing.done == ["high"] * 3 + ["low"] * 3
    assert "Working sync, sync.calcom, sync.fic, default" in result.stderr
    assert result.stdout.count("doing it") == 6
    assert "what=high" in result.stdout


def test_work_prints_json_lines_for_programs(pilot: Pilot, doing: Doing) -> None:
    def note(job: Try, context: JobContext) -> None:
        from chalicelib.core.logging import log

        log.warning("doing it")

    doing.behaviour = note
    put_job(Try(company_id="com_1"))
    stopper = stop_after(1, doing)
    result = pilot("work", "--queue", "default", "--json")
    stopper.join()
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["job_id"] for line in lines if line["message"] == "doing it"] == ["evt_1"]


def test_a_worker_that_dies_fails_the_command(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.cli import work

    def die(queues: object, stop: object) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr(work, "run_worker", die)
    result = pilot("work")
    assert result.exit_code == 1
    assert "MemoryError: too much" in result.stderr


def test_the_program_runs_from_anywhere(tmp_path: Path) -> None:
    found = subprocess.run([PROGRAM, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Usage: pilot [OPTIONS] COMMAND" in found.stdout
    (tmp_path / "here").symlink_to(PROGRAM)
    words = [str(tmp_path / "here"), "schedules", "list", "--json"]
    found = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)
