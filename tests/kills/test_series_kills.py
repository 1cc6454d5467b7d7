"""Kill a series at any call: afterwards there is a whole one or nothing, and a change is made once."""

from datetime import timedelta

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.series import book as series_book
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.resume import resume
from chalicelib.booking.series.series import Series
from chalicelib.booking.tables import BookingRow, OccupancyRow
from chalicelib.core.rows import OutboxRow
from infra.local.demo_practice import Practice
from tests.booking.test_refusing import NOW, TEN, opened
from tests.booking.test_series import change, context, ids, series_of, series_request
from tests.conftest import EmbeddedAws
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives
from tests.sizes import EVERY_MOMENT


def everything() -> tuple[list[Series], list[Appointment]]:
    rows = list(BookingRow.scan())
    series = [row.model(Series) for row in rows if row.pk == "com_test#series"]
    return series, [row.model(Appointment) for row in rows if row.sk == "appointment"]


def its_jobs_are_done(series: list[Series]) -> None:
    """What the job that lies in the outbox with each series does, twice."""
    names = [row.data for row in OutboxRow.scan() if row.type == "job:booking.ResumeSeries"]
    for one in series:
        assert any(one.id in str(name) for name in names), "a series without its job"
        for _ in range(2):
            resume(ResumeSeries(company_id="com_test", series_id=one.id), context(NOW + timedelta(minutes=1)))


def clear() -> None:
    for row in [*OccupancyRow.scan(), *BookingRow.scan(BookingRow.sk == "appointment"), *OutboxRow.scan()]:
        row.delete()
    for row in BookingRow.scan(BookingRow.pk == "com_test#series"):
        row.delete()


@pytest.mark.slow
def test_a_series_is_whole_or_nothing_whenever_its_maker_dies(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = opened({"policy": Policy(service_limits=Limits(per_week=9))})
    monkeypatch.setattr(series_book, "MOST_HELD_AT_ONCE", 2)
    seen: set[str] = set()

    def case(death: Death) -> bool:
        died = run_dying(lambda: series_of(series_request(practice)), death)
        its_jobs_are_done(everything()[0])
        series, made = everything()
        taken = b"".join(bytes(getattr(row, f"d{n}") or b"") for row in OccupancyRow.scan() for n in range(7))
        counted = sum(int(row.tally or 0) for row in OccupancyRow.scan())
        whole = [one for one in series if one.status == "booked"]
        assert {one.status for one in series} <= {"booked", "failed"}
        assert (len(made), len(taken) // 25, counted) == ((3, 3, 3) if whole else (0, 0, 0))
        seen.update(one.status for one in series)
        clear()
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls")
    assert calls >= 12
    assert seen == {"booked", "failed"} or not EVERY_MOMENT


@pytest.mark.slow
def test_a_change_of_a_series_is_made_once_whenever_its_maker_dies(aws: EmbeddedAws) -> None:
    practice: Practice = opened()

    def case(death: Death) -> bool:
        series = series_of(series_request(practice, 2, "daily"))
        elsewhen = TEN + timedelta(days=1)
        first = ids(series)[0]
        died = run_dying(lambda: change(series.series, "reschedule", first, "all", starts_at=elsewhen), death)
        begun = series_store.get_series("com_test", series.series.id).change is not None
        its_jobs_are_done(everything()[0])
        made = everything()[1]
        days = {(one.starts_at - TEN).days for one in made}
        assert days == ({1, 2} if begun else {0, 1})
        assert {one.version for one in made} == {2 if begun else 1}
        clear()
        return died

    print(f"{until_it_survives(case)} outside calls")
