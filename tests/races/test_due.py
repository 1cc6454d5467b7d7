"""Due work under contention: sweeps against each other, against unscheduling and against scheduling anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import due
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, Try, count, trial_area, work_once
from tests.races.together import at_once, many_at_once
from tests.sizes import ROUNDS

NOON = datetime(2031, 3, 30, 12, tzinfo=UTC)
COMPANY = "com_1"


@pytest.fixture
def doing(aws: EmbeddedAws) -> Iterator[Doing]:
    with trial_area() as made:
        yield made


def schedule(key: str, what: str, at: datetime = NOON) -> None:
    unit = Unit(COMPANY, clock=lambda: NOON - timedelta(hours=1))
    unit.schedule(Try(company_id=COMPANY, what=what), at, key)
    unit.commit()


def unschedule(key: str) -> None:
    unit = Unit(COMPANY)
    unit.unschedule(key)
    unit.commit()


def sweep() -> int:
    return due.sweep(lambda: NOON)


@pytest.mark.parametrize("_", range(ROUNDS))
def test_of_many_sweeps_one_hands_each_job_over(doing: Doing, _: int) -> None:
    for number in range(20):
        schedule(f"k{number}", str(number))
    assert sum(many_at_once(lambda _: sweep(), 4)) == 20
    assert sum(count().values()) == 20


@pytest.mark.parametrize("_", range(ROUNDS))
def test_what_was_unscheduled_before_it_was_worked_is_not_done(doing: Doing, _: int) -> None:
    for number in range(40):
        schedule(f"k{number}", f"{number:02}")

    def unschedule_even() -> None:
        for number in reversed(range(0, 40, 2)):
            unschedule(f"k{number}")

    at_once(sweep, unschedule_even, sweep)
    assert 20 <= sum(count().values()) <= 40
    while sum(count().values()):
        work_once()
    assert sorted(doing.done) == [f"{number:02}" for number in range(1, 40, 2)]
    assert due.by_time(NOON + timedelta(days=1), 100) == []


@pytest.mark.parametrize("_", range(ROUNDS))
def test_of_a_job_that_moves_while_it_is_swept_only_the_new_time_is_done(doing: Doing, _: int) -> None:
    schedule("k", "old")
    at_once(sweep, lambda: schedule("k", "new", NOON + timedelta(minutes=30)), sweep)
    while sum(count().values()):
        work_once()
    done_before = doing.done
    assert set(done_before) <= {"old"}, "its new time has not come"
    due.sweep(lambda: NOON + timedelta(minutes=30))
    work_once()
    assert doing.done == [*done_before, "new"]
    assert done_before == [], "moved before any worker had it"
