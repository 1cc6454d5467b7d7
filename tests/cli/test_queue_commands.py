"""`pilot queue`: what it shows is what is there, and what it changes is changed."""

import json
import os

import pytest

from chalicelib.core import failed_jobs, relay
from chalicelib.core.clock import now
from chalicelib.core.envelope import envelope_of
from chalicelib.core.jobs import CannotSucceed, JobContext
from chalicelib.core.queues import DEAD, LANES
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from tests.cli.conftest import Pilot
from tests.core.trial_area import Doing, Try, TrySync, put, put_job, take, work_once


def fail(doing: Doing, *jobs: Try) -> None:
    """Let each of these jobs fail for good, as evt_0, evt_1, …"""

    def never(job: Try, context: JobContext) -> None:
        raise CannotSucceed(f"{job.what} is impossible")

    doing.behaviour = never
    for number, job in enumerate(jobs):
        put_job(job, f"evt_{number}")
        work_once(job.queue)
    doing.behaviour = lambda job, context: None


def test_status_counts_what_waits_hides_died_and_failed(pilot: Pilot, doing: Doing) -> None:
    fail(doing, TrySync(company_id="com_1"))
    put_job(Try(company_id="com_1"))
    put_job(Try(company_id="com_1"))
    take("default")
    put_job(Try(company_id="com_1"))
    put("dead", f"messages{DEAD}")
    rows = {row.pop("lane"): row for row in pilot.json("queue", "status")}
    assert list(rows) == list(LANES)
    nothing = {"waiting": 0, "delayed": 0, "in_flight": 0, "dead_letters": 0, "failed_jobs": 0}
    assert rows["default"] == {"queue": "default", **nothing, "waiting": 1, "in_flight": 2}
    assert rows["sync"] == {"queue": "sync", **nothing, "failed_jobs": 1}
    assert rows["sync.fic"] == {"queue": "sync", **nothing}
    assert rows["messages"] == {"queue": "messages", **nothing, "dead_letters": 1}
    shown = pilot("queue", "status")
    assert "Dead letters" in shown.stdout
    assert "image_compression" in shown.stdout


def test_status_can_be_asked_to_judge(pilot: Pilot, doing: Doing) -> None:
    assert pilot("queue", "status", "--check").exit_code == 0
    fail(doing, Try(company_id="com_1"))
    assert pilot("queue", "status").exit_code == 0
    assert pilot("queue", "status", "--check").exit_code == 1


def test_failed_jobs_are_listed_with_their_reasons(pilot: Pilot, doing: Doing) -> None:
    assert pilot("queue", "failed").stdout.strip() == "No failed jobs."
    assert pilot.json("queue", "failed") == []
    fail(doing, Try(company_id="com_1", what="[bold]this[/bold]"), TrySync(company_id="com_2", what="that"))
    listed = pilot.json("queue", "failed")
    assert [(job["id"], job["queue"], job["job"]) for job in listed] == [
        ("evt_1", "sync", "trial.TrySync"),
        ("evt_0", "default", "trial.Try"),
    ]
    shown = pilot("queue", "failed", "--queue", "default").stdout
    assert "CannotSucceed: [bold]this[/bold] is impossible" in shown
    assert "that" not in shown
    assert "payload" not in shown


def test_retry_lets_one_job_run_again(pilot: Pilot, doing: Doing) -> None:
    fail(doing, Try(company_id="com_1", what="a"), Try(company_id="com_1", what="b"))
    doing.calls.clear()
    [result] = pilot.json("queue", "retry", "evt_0")
    relay.publish(OutboxRow.scan())
    work_once()
    assert doing.done == ["a"]
    assert doing.calls[0][1].id == result["retried_as"]
    assert [job.id for job in failed_jobs.of_queue("default")] == ["evt_1"]


def test_retry_all_does_what_it_can_and_says_what_not(pilot: Pilot, doing: Doing) -> None:
    fail(doing, Try(company_id="com_1", what="a"), TrySync(company_id="com_1", what="b"))
    put("no job")
    work_once()
    unknown = envelope_of(Try(company_id="com_1"), "evt_u", "cor")
    unknown.job = "trial.Gone"
    failed_jobs.record("default", unknown, 1, "UnknownName", now())
    doing.calls.clear()
    result = pilot("queue", "retry", "all", "--json")
    assert result.exit_code == 1
    why = {row["id"]: row["why_not"] for row in json.loads(result.stdout)}
    assert why["evt_0"] is None
    assert why["evt_1"] is None
    assert "trial.Gone" in why["evt_u"]
    assert sum("never was a job" in str(reason) for reason in why.values()) == 1
    relay.publish(OutboxRow.scan())
    work_once("default")
    work_once("sync")
    assert sorted(doing.done) == ["a", "b"]
    assert failed_jobs.count("default") == 2


def test_retry_all_of_one_queue_leaves_the_others(pilot: Pilot, doing: Doing) -> None:
    fail(doing, Try(company_id="com_1"), TrySync(company_id="com_1"))
    assert "1 of 1 will run again" in pilot("queue", "retry", "all", "--queue", "sync").stdout
    assert failed_jobs.count("default") == 1
    assert failed_jobs.count("sync") == 0


def test_retry_of_more_than_a_page_reaches_all(pilot: Pilot, doing: Doing) -> None:
    for number in range(130):
        failed_jobs.record("default", envelope_of(Try(company_id="com_1"), f"evt_{number}", "cor"), 1, "x", now())
    assert len(pilot.json("queue", "retry", "all")) == 130
    assert failed_jobs.count("default") == 0


def test_retry_of_an_unknown_id_fails_with_a_sentence(pilot: Pilot) -> None:
    result = pilot("queue", "retry", "evt_none")
    assert result.exit_code == 1
    assert "There is no failed job evt_none" in result.stderr
    assert result.stdout == ""


def test_flush_removes_them(pilot: Pilot, doing: Doing) -> None:
    fail(doing, Try(company_id="com_1"), Try(company_id="com_1"), TrySync(company_id="com_1"))
    assert pilot.json("queue", "flush", "--queue", "default") == {"removed": 2}
    assert "Removed 1 failed job." in pilot("queue", "flush").stderr
    assert pilot.json("queue", "flush") == {"removed": 0}


def test_a_stage_is_reached_by_its_own_names(stage: Pilot, doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    with monkeypatch.context() as dev:
        dev.setenv("PILOT_PREFIX", "pilot-dev")
        dev.setenv("AWS_ACCOUNT_ID", stage.aws.account)
        settings.cache_clear()
        put_job(Try(company_id="com_1"))
        fail(doing, TrySync(company_id="com_1"))
    settings.cache_clear()
    rows = {row["lane"]: row for row in stage.json("--stage", "dev", "queue", "status")}
    assert (rows["default"]["waiting"], rows["sync"]["failed_jobs"]) == (1, 1)
    assert dict(os.environ) == before

    answer = stage("queue", "flush", "--stage", "dev", stdin="n\n")
    assert answer.exit_code == 1
    assert len(stage.json("queue", "failed", "--stage", "dev")) == 1
    assert stage("queue", "flush", "--stage", "dev", "--yes").exit_code == 0
    assert stage.json("queue", "failed", "--stage", "dev") == []


def test_a_stage_that_is_not_there_is_a_sentence(stage: Pilot) -> None:
    result = stage("queue", "status", "--stage", "prod")
    assert result.exit_code == 1
    assert "make deploy STAGE=prod" in result.stderr


def test_without_a_running_system_it_says_how_to_start_one(pilot: Pilot) -> None:
    (pilot.folder / "ready.json").unlink()
    for words in (["queue", "status"], ["queue", "retry", "all"], ["work"], ["schedules", "run", "sweep_outbox"]):
        result = pilot(*words)
        assert result.exit_code == 1
        assert "make run" in result.stderr


def test_what_a_crashed_system_left_behind_is_no_running_system(pilot: Pilot) -> None:
    pilot.start(pids={"supervisor": 2**22 - 3})
    assert "make run" in pilot("queue", "status").stderr
    gone = {**pilot.aws.environment(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    pilot.start(environment=gone)
    result = pilot("queue", "status")
    assert result.exit_code == 1
    assert "make run" in result.stderr


def test_facts_without_an_environment_will_do(pilot: Pilot) -> None:
    facts = json.loads((pilot.folder / "ready.json").read_text())
    del facts["environment"]
    (pilot.folder / "ready.json").write_text(json.dumps(facts))
    result = pilot("queue", "status")
    # The account 000000000000 of this MiniStack has no stage `local`: it was asked, and said so.
    assert "lacks what this needs" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["--stage", "moon", "routes"],
        ["queue", "failed", "--queue", "none"],
        ["queue", "retry"],
        ["work", "--queue", "default,none"],
        ["work", "--queue", ","],
        ["logs", "--since", "yesterday"],
        ["logs", "--request", '" || true'],
        ["schedules", "run", "none"],
        ["queue", "failed", "--limit", "0"],
    ],
)
def test_what_it_does_not_understand_is_a_matter_of_usage(pilot: Pilot, words: list[str]) -> None:
    result = pilot(*words)
    assert result.exit_code == 2
    assert "Error" in result.stderr
