"""The worker outside Lambda: its priorities, its stop, and what it does when a queue is away."""

import threading
import time

import pytest

from chalicelib.core import failed_jobs, heartbeats, jobs, worker
from chalicelib.core.jobs import JobContext
from chalicelib.core.queues import DEAD
from chalicelib.core.settings import settings
from chalicelib.core.worker import run_worker, work_first
from tests.core.trial_area import Doing, Try, TrySync, count, put, put_job

ENOUGH_SECONDS = 10.0


def run_until(doing: Doing, calls: int, queues: list[str]) -> None:
    """Run a worker until the handler was called so often."""
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(queues, stop))
    thread.start()
    deadline = time.monotonic() + ENOUGH_SECONDS
    while len(doing.calls) < calls and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    thread.join(ENOUGH_SECONDS)
    assert not thread.is_alive()


def test_the_first_queue_is_empty_before_the_second_is_looked_at(doing: Doing) -> None:
    for number in range(12):
        put_job(Try(company_id="com_1", what="default"), f"evt_d{number}")
        put_job(TrySync(company_id="com_1", what="sync"), f"evt_s{number}")
    run_until(doing, 24, ["sync", "default"])
    assert doing.done == ["sync"] * 12 + ["default"] * 12
    assert count("default") == count("sync") == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_what_arrives_on_the_first_queue_goes_before_the_rest_of_the_second(doing: Doing) -> None:
    def behave(job: Try, context: JobContext) -> None:
        if len(doing.calls) == 1:
            put_job(TrySync(company_id="com_1", what="urgent"), "evt_u")

    doing.behaviour = behave
    for number in range(15):
        put_job(Try(company_id="com_1", what="default"), f"evt_{number}")
    while work_first(["sync", "default"]):
        pass
    # One batch is ten messages; what is in hand is finished first.
    assert doing.done.index("urgent") <= 10
    assert len(doing.done) == 16


def test_a_stop_lets_the_job_in_hand_finish(doing: Doing) -> None:
    begun, stop, finished = threading.Event(), threading.Event(), threading.Event()

    def slow(job: Try, context: JobContext) -> None:
        begun.set()
        assert stop.wait(ENOUGH_SECONDS)
        finished.set()

    doing.behaviour = slow
    put_job(Try(company_id="com_1"))
    thread = threading.Thread(target=run_worker, args=(["default"], stop))
    thread.start()
    assert begun.wait(ENOUGH_SECONDS)
    stop.set()
    thread.join(ENOUGH_SECONDS)
    assert finished.is_set()
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_a_job_that_fails_is_not_deleted_but_tried_again(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    def once(job: Try, context: JobContext) -> None:
        if context.attempt == 1 and job.what == "bad":
            raise KeyError(job.what)

    monkeypatch.setattr(jobs, "backoff_seconds", lambda attempt: 0.0)
    doing.behaviour = once
    put_job(Try(company_id="com_1", what="good"), "evt_g")
    put_job(Try(company_id="com_1", what="bad"), "evt_b")
    run_until(doing, 3, ["default"])
    assert sorted(doing.done) == ["bad", "bad", "good"]
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_dead_letters_become_failed_jobs_along_the_way(doing: Doing) -> None:
    put("not a job", f"default{DEAD}")
    put_job(Try(company_id="com_1"))
    run_until(doing, 1, ["default"])
    assert failed_jobs.count("default") == 1


def test_a_batch_whose_handling_fails_altogether_comes_again(doing: Doing) -> None:
    put_job(Try(company_id="com_1"))

    def broken(queue: str, event: dict[str, object]) -> None:
        raise RuntimeError("no")

    assert worker.deliver("default", broken) == 1
    assert count()["hidden"] == 1


def test_a_queue_that_is_away_is_tried_again(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    from chalicelib.core import aws
    from chalicelib.core.settings import settings

    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.01)
    url = settings().queue_url("messages")
    aws.client("sqs").delete_queue(QueueUrl=url)
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(["messages"], stop))
    thread.start()
    time.sleep(0.2)
    assert thread.is_alive()
    stop.set()
    thread.join(ENOUGH_SECONDS)
    assert not thread.is_alive()


def test_a_name_that_is_no_queue_is_refused_with_those_that_are(doing: Doing) -> None:
    with pytest.raises(ValueError, match=r"nonsense.*image_compression"):
        run_worker(["default", "nonsense"], threading.Event())


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_it_notes_what_it_did_and_on_one_machine_that_it_polls(
    doing: Doing, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setenv("PILOT_STAGE", stage)
    settings.cache_clear()
    heartbeats.forget()
    put_job(Try(company_id="com_1"))
    run_until(doing, 1, ["default"])
    found = heartbeats.heartbeats()
    heartbeats.forget()
    assert (found["work_default"].job, found["work_default"].failed) == (Try.name(), False)
    # Beside Lambdas, a worker that has ended is no sign of anything.
    assert (heartbeats.polling("default") in found) == (stage == "local")
