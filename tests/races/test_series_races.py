"""Many series at once: each is whole or nothing, never a part of it, and no two ever meet."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.booking.series import book as series_book
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.finish import SeriesProgress
from chalicelib.booking.series.resume import resume
from chalicelib.booking.tables import OccupancyRow
from chalicelib.core.errors import DomainError
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from tests.booking.test_refusing import EVE, NOW, TEN, opened
from tests.booking.test_series import change, context, ids, left_in_the_middle, series_of, wanted
from tests.conftest import EmbeddedAws
from tests.kills.test_series_kills import everything
from tests.races.test_bookings import overlaps
from tests.races.together import all_decide_before_any_commits, many_at_once
from tests.sizes import ROUNDS

THREADS = 16


def at_once(work: Callable[[int], Any]) -> list[Any]:
    return many_at_once(work, THREADS)


@pytest.mark.parametrize("round_number", range(ROUNDS))
@pytest.mark.parametrize("held_at_once", [2, series_book.MOST_HELD_AT_ONCE])
def test_overlapping_series_are_each_whole_or_nothing(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, round_number: int, held_at_once: int
) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_month=100))})
    monkeypatch.setattr(series_book, "MOST_HELD_AT_ONCE", held_at_once)
    chance = random.Random(round_number)
    firsts = [TEN + timedelta(days=chance.randrange(2), minutes=15 * chance.randrange(4)) for _ in range(THREADS)]

    def work(number: int) -> SeriesProgress:
        contact = replace(EVE, phone=f"+121255502{number:02}")
        return series_of(wanted(practice, 4, starts_at=firsts[number], contact=contact))

    outcomes = at_once(work)
    won = [one for one in outcomes if isinstance(one, SeriesProgress)]
    lost = {one.code for one in outcomes if isinstance(one, DomainError)}
    assert lost <= {"series_conflict", "calendar_busy"}, lost
    if held_at_once > 2:  # in several transactions two may give up for each other
        assert won
    series, made = everything()
    assert sorted(one.id for one in made) == sorted(each for one in won for each in one.series.appointment_ids())
    assert {len(one.appointments) for one in won} <= {4}
    assert overlaps(made) == []
    assert {one.status for one in series} <= {"booked", "failed"}
    taken = b"".join(bytes(getattr(row, f"d{n}") or b"") for row in OccupancyRow.scan() for n in range(7))
    assert len(taken) // 25 == len(made)
    assert sum(int(row.tally or 0) for row in OccupancyRow.scan()) == len(made)


LIMIT = 2
TEAM = 6


def opened_with_team(policy: Policy) -> Practice:
    """New York with six who give haircuts, under this policy."""
    made = opened({"policy": policy})
    team = [replace(made.staff[3], id=f"stf_0000000000000000HAR{n}", name=f"H {n}", references=()) for n in range(TEAM)]
    save_practice(lambda: Unit("com_test"), made.branches, made.services, [*made.staff, *team])
    return Practice(made.branches, made.services, tuple(team), made.event_types)


@pytest.mark.parametrize("round_number", range(ROUNDS))
@pytest.mark.parametrize("on_conflict", ["none", "skip"])
def test_a_limit_is_reached_and_never_exceeded_by_series_of_different_staff(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, on_conflict: str, round_number: int
) -> None:
    """Each names their own member of staff, so no calendar keeps them apart: only the limit's counters do."""
    practice = opened_with_team(Policy(service_limits=Limits(per_day=LIMIT)))

    def work(number: int) -> SeriesProgress:
        contact = replace(EVE, phone=f"+121255503{number:02}")
        return series_of(wanted(practice, 3, "daily", staff=practice.staff[number].id, contact=contact), on_conflict)

    with monkeypatch.context() as patched:
        all_decide_before_any_commits(patched, TEAM)
        outcomes = many_at_once(work, TEAM)
    won = [one for one in outcomes if isinstance(one, SeriesProgress)]
    assert [len(one.appointments) for one in won] == [3] * LIMIT
    assert {one.code for one in outcomes if isinstance(one, DomainError)} == {"series_conflict"}
    assert len(everything()[1]) == 3 * LIMIT


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_however_many_go_on_with_a_series_it_is_made_once(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, round_number: int
) -> None:
    left = left_in_the_middle(opened(), monkeypatch, 4)
    job = ResumeSeries(company_id="com_test", series_id=left.id)
    errors = [one for one in at_once(lambda _: resume(job, context(NOW))) if one is not None]
    assert {one.code for one in errors} <= {"calendar_busy"}
    resume(job, context(NOW))
    series, made = everything()
    assert [one.status for one in series] == ["booked"]
    assert sorted(one.id for one in made) == sorted(left.appointment_ids())


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_of_many_changes_at_once_one_is_begun_and_the_others_wait(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, round_number: int
) -> None:
    made = series_of(wanted(opened(), 3, "daily"))
    first = ids(made)[0]
    monkeypatch.setattr("chalicelib.booking.series.change.REQUEST_LASTS", timedelta(0))
    all_decide_before_any_commits(monkeypatch, TEAM)
    outcomes = many_at_once(lambda n: change(made.series, "cancel", first, "all", reason=f"for reason {n}"), TEAM)
    (begun,) = [one for one in outcomes if isinstance(one, SeriesProgress)]
    assert [one.code for one in outcomes if isinstance(one, DomainError)] == ["change_pending"] * (TEAM - 1)
    assert series_store.get_series("com_test", made.series.id).change == begun.series.change
