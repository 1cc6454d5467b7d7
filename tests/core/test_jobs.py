"""Jobs: tried again with backoff, postponed without being counted, given up with a reason, and tried anew on demand."""

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import failed_jobs, jobs, queues, relay
from chalicelib.core.clock import now
from chalicelib.core.envelope import Envelope, envelope_of
from chalicelib.core.errors import Conflict, Forbidden, NotFound, RateLimited, Unavailable, VendorRefused, invalid
from chalicelib.core.events import UnknownName
from chalicelib.core.jobs import CannotSucceed, JobContext, Postpone, backoff_seconds
from chalicelib.core.queues import DEAD
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.core.visibility import Held
from tests.core.trial_area import Doing, Try, count, put, put_job, take, work_once


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "backoff_seconds", lambda attempt: 0.0)


def raising(*errors: Exception | None) -> Callable[[Try, JobContext], None]:
    """A behaviour that fails so, one after the other, and then succeeds."""
    left = list(errors)

    def behave(job: Try, context: JobContext) -> None:
        error = left.pop(0) if left else None
        if error:
            raise error

    return behave


def test_a_job_is_done_once_and_knows_where_it_comes_from(doing: Doing) -> None:
    put_job(Try(company_id="com_1", what="this"), "evt_7")
    assert work_once() == []
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}
    [(job, context)] = doing.calls
    assert job == Try(company_id="com_1", what="this")
    assert (context.id, context.attempt, context.last) == ("evt_7", 1, False)
    assert (context.company_id, context.correlation_id) == ("com_1", "cor_1")
    unit = context.unit()
    assert (unit.company_id, unit.correlation_id, str(unit.actor)) == ("com_1", "cor_1", "system:job:evt_7")


def test_a_failing_job_is_tried_as_often_as_it_says_and_then_kept_with_its_reason(doing: Doing) -> None:
    doing.behaviour = raising(KeyError("a"), Unavailable("down", "It is down."), RuntimeError("the last straw"))
    put_job(Try(company_id="com_1", what="x"))
    assert len(work_once()) == 1
    assert len(work_once()) == 1
    assert work_once() == []
    assert doing.attempts == [1, 2, 3]
    assert [context.last for _, context in doing.calls] == [False, False, True]
    [failed] = failed_jobs.of_queue("default")
    assert (failed.id, failed.job, failed.attempts, failed.company_id) == ("evt_1", "trial.Try", 3, "com_1")
    assert failed.reason == "RuntimeError: the last straw"
    assert msgspec.json.decode(failed.payload) == {"company_id": "com_1", "what": "x"}
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_a_failed_message_hides_for_its_backoff(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "backoff_seconds", lambda attempt: 600.0 * attempt)
    hidden: list[int] = []
    give_back = Held.give_back

    def noting(held: Held, receipt: str, seconds: int) -> None:
        hidden.append(seconds)
        give_back(held, receipt, seconds)

    monkeypatch.setattr(Held, "give_back", noting)
    doing.behaviour = raising(KeyError("a"))
    put_job(Try(company_id="com_1"))
    work_once()
    assert hidden == [600]
    assert take() == []
    assert count()["hidden"] == 1


@given(st.integers(1, 60), st.integers())
def test_backoff_doubles_from_two_seconds_to_fifteen_minutes_with_jitter(attempt: int, seed: int) -> None:
    random.seed(seed)
    middle = min(2.0**attempt, 900.0)
    assert middle * 0.5 <= backoff_seconds(attempt) <= middle * 1.5


@pytest.mark.parametrize(
    "error",
    [
        CannotSucceed("never"),
        invalid("body.x", "bad", "It is bad."),
        NotFound("gone", "It is gone."),
        Forbidden("no", "Not allowed."),
        VendorRefused("refused", "They said no."),
    ],
)
def test_what_no_repetition_mends_is_given_up_at_once(doing: Doing, error: Exception) -> None:
    doing.behaviour = raising(error)
    put_job(Try(company_id="com_1"))
    assert work_once() == []
    assert doing.attempts == [1]
    [failed] = failed_jobs.of_queue("default")
    assert failed.attempts == 1
    assert failed.reason == f"{type(error).__name__}: {error}"


def test_a_conflict_is_tried_again(doing: Doing) -> None:
    doing.behaviour = raising(Conflict("stale", "Again."))
    put_job(Try(company_id="com_1"))
    work_once()
    work_once()
    assert doing.attempts == [1, 2]
    assert failed_jobs.of_queue("default") == []


@pytest.mark.parametrize("wait", [Postpone(0, "not yet"), RateLimited("slow", "Slow down.", retry_after=0)])
def test_postponing_is_not_an_attempt_and_forgets_none(doing: Doing, wait: Exception) -> None:
    doing.behaviour = raising(wait, KeyError("one"), wait, wait, KeyError("two"), wait, KeyError("three"))
    put_job(Try(company_id="com_1"))
    for _ in range(7):
        work_once()
    assert doing.attempts == [1, 1, 2, 2, 2, 3, 3]
    assert {context.id for _, context in doing.calls} == {"evt_1"}
    [failed] = failed_jobs.of_queue("default")
    assert failed.attempts == 3
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 0}


def test_a_postponed_job_waits_as_long_as_it_was_told(doing: Doing) -> None:
    doing.behaviour = raising(Postpone(120))
    put_job(Try(company_id="com_1"))
    assert work_once() == []
    assert take() == []
    assert count() == {"waiting": 0, "hidden": 0, "delayed": 1}


def test_a_job_whose_postponed_copy_is_refused_is_not_lost(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    doing.behaviour = raising(Postpone(0))
    monkeypatch.setattr(queues, "_send_batch", lambda queue, batch: list(batch))
    put_job(Try(company_id="com_1"))
    assert len(work_once()) == 1
    assert count()["hidden"] == 1


def test_only_the_failed_messages_of_a_batch_come_again(doing: Doing) -> None:
    def odd(job: Try, context: JobContext) -> None:
        if int(job.what) % 2:
            raise KeyError(job.what)

    doing.behaviour = odd
    for number in range(6):
        put_job(Try(company_id="com_1", what=str(number)), f"evt_{number}")
    again = [msgspec.json.decode(body, type=Envelope).id for body in work_once()]
    assert sorted(again) == ["evt_1", "evt_3", "evt_5"]
    assert sorted(doing.done) == ["0", "1", "2", "3", "4", "5"]


POISON = ["", "null", "[]", "{}", '{"job": 1}', "not json", "{", '"\\ud800"', "\x7f", "9" * 400, '{"job":"trial.Try"}']


@pytest.mark.parametrize("body", [body for body in POISON if body])
def test_a_message_that_is_no_job_is_kept_and_does_not_come_again(doing: Doing, body: str) -> None:
    put(body)
    put_job(Try(company_id="com_1"))
    assert work_once() == []
    assert doing.attempts == [1]
    [failed] = failed_jobs.of_queue("default")
    assert failed.job == ""
    assert failed.reason.startswith("not a job: ")
    with pytest.raises(UnknownName):
        failed_jobs.retry(failed, Unit("com_1"))


UNKNOWN = ["trial.Gone", "nowhere.Job", "core.Envelope", "", ".", "trial", "os.path", "trial.Happened"]


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_job_this_version_does_not_know_is_given_up_with_its_payload(doing: Doing, name: str) -> None:
    envelope = envelope_of(Try(company_id="com_1"), "evt_1", "cor_1")
    put(msgspec.json.encode(msgspec.structs.replace(envelope, job=name)).decode())
    assert work_once() == []
    [failed] = failed_jobs.of_queue("default")
    assert failed.reason.startswith("UnknownName: ")
    assert failed.payload


def test_a_payload_that_does_not_fit_is_given_up(doing: Doing) -> None:
    envelope = envelope_of(Try(company_id="com_1"), "evt_1", "cor_1")
    put(msgspec.json.encode(msgspec.structs.replace(envelope, payload=msgspec.Raw(b'{"what": 3}'))).decode())
    assert work_once() == []
    assert doing.calls == []
    [failed] = failed_jobs.of_queue("default")
    assert "does not fit trial.Try" in failed.reason


def test_a_job_given_up_twice_is_kept_once(doing: Doing) -> None:
    doing.behaviour = raising(*[CannotSucceed("never")] * 2)
    put_job(Try(company_id="com_1"))
    put_job(Try(company_id="com_1"))  # the same job id: its worker died between keeping it and deleting the message
    work_once()
    work_once()
    assert len(doing.calls) == 2
    assert len(failed_jobs.of_queue("default")) == failed_jobs.count("default") == 1


def test_what_its_worker_died_of_is_taken_over_from_the_dead_letters(doing: Doing) -> None:
    from chalicelib.core.worker import consume_dead_letters

    body = envelope_of(Try(company_id="com_1", what="deadly"), "evt_1", "cor_1").message("default").body
    put(body, f"default{DEAD}")
    put("no job at all", f"default{DEAD}")
    assert consume_dead_letters(["default"]) == 2
    found = {failed.job: failed for failed in failed_jobs.of_queue("default")}
    assert set(found) == {"trial.Try", ""}
    assert "died or timed out" in found["trial.Try"].reason
    assert msgspec.json.decode(found["trial.Try"].payload)["what"] == "deadly"
    assert count(f"default{DEAD}") == {"waiting": 0, "hidden": 0, "delayed": 0}


def give_up(doing: Doing, job_id: str = "evt_1") -> failed_jobs.FailedJob:
    doing.behaviour = raising(CannotSucceed("never"))
    put_job(Try(company_id="com_1"), job_id)
    work_once()
    doing.calls.clear()
    return failed_jobs.get(job_id)


def test_retrying_goes_through_the_outbox_and_starts_anew(doing: Doing) -> None:
    failed = give_up(doing)
    new_id = failed_jobs.retry(failed, Unit(failed.company_id, correlation_id=failed.correlation_id))
    assert failed_jobs.count("default") == 0
    assert take() == []
    relay.publish(OutboxRow.scan())
    work_once()
    [(_, context)] = doing.calls
    assert (context.id, context.attempt, context.correlation_id) == (new_id, 1, "cor_1")


def test_a_failed_job_is_retried_by_one_of_two_operators(doing: Doing) -> None:
    failed = give_up(doing)
    failed_jobs.retry(failed, Unit("com_1"))
    with pytest.raises(NotFound):
        failed_jobs.retry(failed, Unit("com_1"))
    assert len(list(OutboxRow.scan())) == 1


def test_failed_jobs_are_listed_counted_and_forgotten(doing: Doing) -> None:
    for number in range(3):
        give_up(doing, f"evt_{number}")
    assert [failed.id for failed in failed_jobs.of_queue("default")] == ["evt_2", "evt_1", "evt_0"]
    assert [failed.id for failed in failed_jobs.of_queue("default", limit=2)] == ["evt_2", "evt_1"]
    assert [failed.id for failed in failed_jobs.each_of("default")] == ["evt_0", "evt_1", "evt_2"]
    assert failed_jobs.count("sync") == 0
    failed_jobs.forget(failed_jobs.get("evt_1"))
    assert failed_jobs.count("default") == 2
    with pytest.raises(NotFound, match="evt_1"):
        failed_jobs.get("evt_1")


def test_an_enormous_reason_is_cut(doing: Doing) -> None:
    envelope = envelope_of(Try(company_id="com_1"), "evt_1", "cor_1")
    failed_jobs.record("default", envelope, 3, "x" * 500_000, now())
    assert len(failed_jobs.get("evt_1").reason) == failed_jobs.LONGEST_REASON
