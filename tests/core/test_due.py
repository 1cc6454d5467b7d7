"""Due work: done at its time, once it is near; never early, never lost, not done when it was unscheduled."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import aws as aws_clients
from chalicelib.core import due, failed_jobs, jobs, queues, relay
from chalicelib.core.clock import now, stamp
from chalicelib.core.due_rows import HAND_AGAIN, LONGEST_WAIT, LOOK_AHEAD, due_row, next_look, seconds_until
from chalicelib.core.errors import NotFound
from chalicelib.core.rows import DueRow, OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.invocation import endpoints_of
from infra.local.scheduler import run_schedule
from tests.core.trial_area import Doing, Try, count, work_once

NOON = datetime(2031, 3, 30, 12, tzinfo=UTC)
COMPANY = "com_1"
KEY = "reminder#apt_1"


def schedule(at: datetime, *, key: str = KEY, when: datetime = NOON, what: str = "it") -> str:
    """Schedule a job at `at`, as of `when`; returns its id."""
    unit = Unit(COMPANY, clock=lambda: when)
    made = unit.schedule(Try(company_id=COMPANY, what=what), at, key)
    unit.commit()
    return made


def unschedule(key: str = KEY) -> None:
    unit = Unit(COMPANY)
    unit.unschedule(key)
    unit.commit()


def publish() -> None:
    """What the outbox's stream does: everything published so far goes to its queues."""
    relay.publish([row for row in OutboxRow.scan() if row.pending])


def waiting(queue: str = "default") -> int:
    """Messages on a queue, held back or not."""
    return sum(count(queue).values())


def taken_by_the_queue(monkeypatch: pytest.MonkeyPatch) -> list[queues.Message]:
    """The messages that are sent from now on, which no queue has seen."""
    sent: list[queues.Message] = []

    def send(messages: Sequence[queues.Message]) -> list[queues.Message]:
        sent.extend(messages)
        return []

    monkeypatch.setattr(queues, "send", send)
    return sent


def test_what_is_far_off_waits_in_the_table_and_is_handed_over_when_it_is_near(doing: Doing) -> None:
    at = NOON + timedelta(days=800)
    schedule(at)
    publish()
    assert due.sweep(lambda: NOON) == 0
    assert due.sweep(lambda: at - LOOK_AHEAD - timedelta(seconds=1)) == 0
    assert waiting() == 0
    assert due.sweep(lambda: at - LOOK_AHEAD) == 1
    assert due.sweep(lambda: at - LOOK_AHEAD) == 0
    assert count()["delayed"] == 1


def test_it_is_done_once_and_then_forgotten(doing: Doing) -> None:
    schedule(NOON + timedelta(hours=1), what="remind")
    due.sweep(lambda: NOON + timedelta(hours=1))
    work_once()
    assert doing.done == ["remind"]
    with pytest.raises(NotFound):
        due.get(COMPANY, KEY)
    assert due.sweep(lambda: NOON + timedelta(days=1)) == 0


def test_what_is_near_when_it_is_written_goes_by_the_outbox_with_the_seconds_left(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = taken_by_the_queue(monkeypatch)
    schedule(NOON + LOOK_AHEAD, key="near")
    schedule(NOON + LOOK_AHEAD + timedelta(microseconds=1), key="far")
    schedule(NOON - timedelta(days=1), key="past")
    publish()
    assert sorted(message.delay_seconds for message in sent) == [0, LOOK_AHEAD.seconds]
    assert due.sweep(lambda: NOON) == 0


@pytest.mark.parametrize("far", [True, False], ids=["far", "near"])
def test_what_was_unscheduled_after_it_was_handed_over_is_not_done(doing: Doing, far: bool) -> None:
    at = NOON + timedelta(hours=1) if far else NOON
    schedule(at)
    publish()
    due.sweep(lambda: at)
    assert waiting() == 1
    unschedule()
    work_once()
    assert doing.calls == []
    assert waiting() == 0


def test_scheduled_again_under_its_key_it_moves(doing: Doing) -> None:
    schedule(NOON + timedelta(hours=1), what="first")
    due.sweep(lambda: NOON + timedelta(hours=1))  # handed over already
    schedule(NOON + timedelta(hours=2), what="second")
    work_once()
    assert doing.calls == []
    assert due.sweep(lambda: NOON + timedelta(hours=1)) == 0
    due.sweep(lambda: NOON + timedelta(hours=2))
    work_once()
    assert doing.done == ["second"]


def test_unscheduling_what_is_not_there_changes_nothing(doing: Doing) -> None:
    made = schedule(NOON + timedelta(hours=1))
    unschedule("nothing")
    assert [one.id for one in due.of_company(COMPANY, limit=10).data] == [made]


def test_a_lost_message_is_handed_over_again_and_the_job_keeps_its_id(doing: Doing) -> None:
    at = NOON + timedelta(hours=1)
    made = schedule(at)
    due.sweep(lambda: at)
    aws_clients.client("sqs").purge_queue(QueueUrl=settings().queue_url("default"))
    assert due.sweep(lambda: at + HAND_AGAIN - timedelta(seconds=1)) == 0
    assert due.sweep(lambda: at + HAND_AGAIN) == 1
    assert due.get(COMPANY, KEY).handed == 2
    work_once()
    assert [context.id for _, context in doing.calls] == [made]


def test_an_outage_drains_the_oldest_first(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.core.due_rows.random.randrange", lambda shards: 3)
    for hours in (5, 1, 3, 2, 4):
        schedule(NOON + timedelta(hours=hours), key=f"k{hours}", what=str(hours))
    sent = taken_by_the_queue(monkeypatch)
    assert due.sweep(lambda: NOON + timedelta(days=30)) == 5
    assert [message.body.partition('"what":"')[2][0] for message in sent] == ["1", "2", "3", "4", "5"]


def test_a_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next(doing: Doing) -> None:
    for number in range(30):
        schedule(NOON, key=f"k{number}", when=NOON - timedelta(hours=1))
    reads = iter([NOON, *[NOON] * 8, *[NOON + timedelta(minutes=5)] * 100])
    assert due.sweep(lambda: next(reads)) < 30
    due.sweep(lambda: NOON)
    assert waiting() == 30


def test_what_the_queue_refuses_is_found_again_at_once(doing: Doing, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule(NOON + timedelta(hours=1))
    with monkeypatch.context() as broken:
        broken.setattr(queues, "send", list)
        assert due.sweep(lambda: NOON + timedelta(hours=1)) == 0
    assert due.sweep(lambda: NOON + timedelta(hours=1)) == 1


def test_a_job_of_another_version_of_the_code_stays_and_holds_up_nobody(doing: Doing) -> None:
    schedule(NOON, key="a", when=NOON - timedelta(hours=1))
    schedule(NOON, key="b", when=NOON - timedelta(hours=1))
    (row,) = [row for row in DueRow.scan() if row.sk == "a"]
    row.update([DueRow.job.set("trial.Unknown")])
    assert due.sweep(lambda: NOON) == 1
    assert due.get(COMPANY, "a").handed == 0


def test_a_job_that_postpones_itself_is_not_handed_over_meanwhile(doing: Doing) -> None:
    at = now() - timedelta(seconds=1)

    def wait(job: Try, context: jobs.JobContext) -> None:
        raise jobs.Postpone(800)

    doing.behaviour = wait
    schedule(at, when=at)
    publish()
    work_once()
    assert len(doing.calls) == 1
    assert due.sweep(lambda: at + timedelta(seconds=799) + HAND_AGAIN) == 0
    assert due.sweep(lambda: at + timedelta(seconds=820) + HAND_AGAIN) == 1


def test_a_job_given_up_is_a_failed_job_and_no_longer_due(doing: Doing) -> None:
    def fail(job: Try, context: jobs.JobContext) -> None:
        raise jobs.CannotSucceed("never")

    doing.behaviour = fail
    made = schedule(NOON, when=NOON)
    publish()
    work_once()
    assert [failed.id for failed in failed_jobs.of_queue("default")] == [made]
    with pytest.raises(NotFound):
        due.get(COMPANY, KEY)


def test_lists_by_company_and_by_time(doing: Doing) -> None:
    for number, hours in enumerate((3, 1, 2)):
        schedule(NOON + timedelta(hours=hours), key=f"k{number}")
    assert [one.key for one in due.of_company(COMPANY, limit=10).data] == ["k0", "k1", "k2"]
    assert due.of_company("com_2", limit=10).data == []
    assert [one.key for one in due.by_time(NOON + timedelta(hours=2), 10)] == ["k1", "k2"]
    assert [one.key for one in due.by_time(NOON + timedelta(hours=3), 1)] == ["k1"]


@given(st.timedeltas(timedelta(days=-1000), timedelta(days=1000)))
def test_the_delay_is_never_early_and_less_than_a_second_late(until: timedelta) -> None:
    wait = seconds_until(NOON + until, NOON)
    assert wait >= until.total_seconds()
    assert wait < max(until.total_seconds(), 0) + 1


@given(st.timedeltas(timedelta(days=-1), timedelta(days=1)))
def test_a_row_is_queued_at_once_or_lies_beyond_what_a_sweep_looks_at(until: timedelta) -> None:
    row, seconds = due_row(Try(company_id=COMPANY), NOON + until, KEY, Unit(COMPANY, clock=lambda: NOON))
    seen_at_once = row.look_at <= stamp(NOON + LOOK_AHEAD)
    assert (seconds is None) == (until > LOOK_AHEAD)
    assert not (seconds is None and seen_at_once)


@pytest.mark.parametrize(("handed", "minutes"), [(0, 3), (1, 6), (2, 12), (6, 192), (7, 360), (60, 360)])
def test_the_pauses_between_hand_overs_double_up_to_six_hours(handed: int, minutes: int) -> None:
    assert next_look(NOON, NOON, handed) == NOON + LOOK_AHEAD + timedelta(minutes=minutes)
    assert next_look(NOON, NOON - LONGEST_WAIT, handed) == next_look(NOON, NOON, handed)


def test_the_schedule_of_the_platform_sweeps(doing: Doing) -> None:
    schedule(now() + timedelta(minutes=1), when=now() - timedelta(hours=1))
    (endpoint,) = (each for each in endpoints_of("schedule") if each.name == "sweep_due")
    run_schedule(endpoint)
    assert count()["delayed"] == 1
