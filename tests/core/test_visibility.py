"""A worker keeps its batch to itself while it works, and not much longer when it dies."""

import os
import signal
import threading
import time

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core import jobs, visibility
from chalicelib.core.visibility import HELD_SECONDS, RENEW_SECONDS, Held
from chalicelib.core.worker import sqs_event
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, Try, count, put, put_job, take, work_once


def received(queue: str = "default") -> list[str]:
    return [message["ReceiptHandle"] for message in take(queue)]


def test_two_renewals_may_fail_before_a_message_is_there_again() -> None:
    assert 2 * RENEW_SECONDS < HELD_SECONDS <= 60


def test_what_a_dead_worker_had_in_hand_is_there_again_soon(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "HELD_SECONDS", 1)
    put("one")
    put("two")
    messages = take()
    child = os.fork()
    if child == 0:
        aws_clients.forget_clients()
        monkeypatch.setattr(jobs, "_work_one", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        jobs.work("default", sqs_event("default", messages))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert count()["hidden"] == 2
    until_visible(2)


def until_visible(messages: int) -> None:
    """Wait until so many are there; fails after ten seconds."""
    for _ in range(100):
        if count()["waiting"] == messages:
            return
        time.sleep(0.1)
    raise AssertionError(f"{count()} after ten seconds")


def test_a_long_job_is_not_delivered_to_another_worker(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "HELD_SECONDS", 1)
    monkeypatch.setattr(visibility, "RENEW_SECONDS", 0.2)
    seen: list[int] = []

    def slow(job: Try, context: jobs.JobContext) -> None:
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            seen.append(count()["waiting"])
            time.sleep(0.1)

    doing.behaviour = slow
    put_job(Try(company_id="com_1"))
    assert work_once() == []
    assert set(seen) == {0}
    assert doing.attempts == [1]


def test_what_was_given_back_is_not_renewed(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility, "HELD_SECONDS", 30)
    monkeypatch.setattr(visibility, "RENEW_SECONDS", 0.05)
    put("one")
    (receipt,) = received()
    with Held("default", [receipt]) as held:
        held.give_back(receipt, 0)
        time.sleep(0.3)
        assert count()["waiting"] == 1


def test_no_thread_is_left_behind(aws: EmbeddedAws) -> None:
    put("one")
    before = threading.active_count()
    with Held("default", received()):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_what_cannot_be_held_is_worked_all_the_same(doing: Doing) -> None:
    put_job(Try(company_id="com_1"))
    messages = [message | {"ReceiptHandle": "none of SQS's"} for message in take()]
    jobs.work("default", sqs_event("default", messages))
    assert doing.attempts == [1]
