"""Terms: when a period ends by the calendar, from the first day on; and a plan's versions."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from chalicelib.text_sessions.plan import Plan, Terms
from tests.text_sessions.room import NOON


@pytest.mark.parametrize(
    ("period", "number", "ends"),
    [
        ("week", 0, "2026-11-30"), ("week", 1, "2026-12-07"),
        ("month", 0, "2026-12-23"), ("month", 1, "2027-01-23"), ("month", 11, "2027-11-23"),
        ("year", 0, "2027-11-23"), ("year", 1, "2028-11-23"), ("once", 0, None),
    ],
)  # fmt: skip
def test_a_period_ends_on_the_same_day_later(period: str, number: int, ends: str | None) -> None:
    terms = Terms(sessions=1, period=period, zone="UTC")  # type: ignore[arg-type]
    found = terms.end_of(date(2026, 11, 23), number)
    assert (found and found.isoformat()) == (ends and f"{ends}T00:00:00+00:00")


@pytest.mark.parametrize(("first", "ends"), [("2026-12-31", "2027-01-31"), ("2026-01-31", "2026-02-28")])
def test_a_month_ends_on_the_last_day_of_a_shorter_one_and_goes_over_new_year(first: str, ends: str) -> None:
    found = Terms(sessions=1, period="month", zone="UTC").end_of(date.fromisoformat(first), 0)
    assert found == datetime.fromisoformat(ends).replace(tzinfo=UTC)


def test_a_plan_that_is_changed_is_the_next_version() -> None:
    plan = Plan(
        id="pln_1",
        company_id="c",
        name="Ten",
        terms=Terms(sessions=5, period="week", zone="UTC"),
        created_at=NOON,
        updated_at=NOON,
        version=3,
    )
    later = NOON + timedelta(days=1)
    assert plan.changed(later, name="Five", price=100) == replace(
        plan, name="Five", price=100, updated_at=later, version=4
    )


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", "2026-04-01"), ("America/New_York", "2026-03-31")])
def test_the_first_day_is_the_local_one(zone: str, day: str) -> None:
    sold = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    terms = Terms(sessions=1, period="week", zone=zone)
    assert terms.first_day(sold) == date.fromisoformat(day)
    end = terms.end_of(terms.first_day(sold), 0)
    assert end is not None
    assert end.astimezone(ZoneInfo(zone)).isoformat()[10:19] == "T00:00:00"
