"""Many series at once: each is whole or nothing, never a part of it, and no two ever meet."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.series import book as series_book
from chalicelib.booking.series.finish import SeriesProgress
from chalicelib.booking.series.resume import resume
from chalicelib.booking.tables import OccupancyRow
from chalicelib.core.errors import DomainError
from tests.booking.test_refusing import EVE, NOW, TEN, opened
from tests.booking.test_series import context, left_in_the_middle, series_of, wanted
from tests.conftest import EmbeddedAws
from tests.kills.test_series_kills import everything
from tests.races.test_bookings import overlaps
from tests.races.together import many_at_once
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
    assert sorted(one.id for one in made) == sorted(str(o.appointment_id) for w in won for o in w.series.wanted())
    assert {len(one.appointments) for one in won} <= {4}
    assert overlaps(made) == []
    assert {one.status for one in series} <= {"booked", "failed"}
    taken = b"".join(bytes(getattr(row, f"d{n}") or b"") for row in OccupancyRow.scan() for n in range(7))
    assert len(taken) // 25 == len(made)
    assert sum(int(row.tally or 0) for row in OccupancyRow.scan()) == len(made)


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
    assert sorted(one.id for one in made) == sorted(str(one.appointment_id) for one in left.wanted())
