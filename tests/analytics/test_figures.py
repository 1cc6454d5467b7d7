"""Ranges are read in few pieces, and figures follow from counters."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics import figures
from chalicelib.analytics.periods import BY_DAY, LONGEST, Period, Range, range_of
from chalicelib.core.errors import Invalid

FIRST = date(2026, 1, 5)


@given(st.dates(date(2023, 12, 1), date(2026, 12, 31)), st.integers(1, LONGEST))
def test_a_range_is_read_in_three_pieces_that_cover_each_day_once(first: date, days: int) -> None:
    span = Range(first, first + timedelta(days=days - 1))
    whole = span.whole_months()
    pieces = [*span.loose_days(), *([whole] if whole else [])]
    covered = sorted(day for piece in pieces for day in piece.dates())
    assert covered == list(span.dates())
    assert len(pieces) <= 3
    assert sum(piece.days for piece in span.loose_days()) <= BY_DAY
    shown = [day for period in span.periods() for day in period.dates()]
    assert shown == covered
    assert len(span.periods()) <= BY_DAY


def test_a_query_says_where_its_range_is_wrong() -> None:
    today = date(2026, 6, 1)
    assert range_of(None, None, today) == Range(date(2026, 5, 3), today)
    assert range_of(date(2026, 7, 1), None, today) == Range(date(2026, 7, 1), date(2026, 7, 1))
    for first, last, code in (
        (today, FIRST, "empty_range"),
        (date(2020, 1, 1), today, "range_too_long"),
        (date.max, None, "out_of_range"),
        (date.min, date.min, "out_of_range"),
        (None, date.min, "empty_range"),
    ):
        with pytest.raises(Invalid) as refused:
            range_of(first, last, today)
        assert [(fault.path, fault.code) for fault in refused.value.faults] == [("query.to", code)]


def days(*counters: dict[str, int], **more: Any) -> list[Period]:
    return [Period(Range(FIRST + timedelta(n), FIRST + timedelta(n)), c, **more) for n, c in enumerate(counters)]


def test_rates() -> None:
    periods = days({"due": 10, "cancelled": 2, "declined": 1, "no_show": 1, "completed": 6}, {})
    found = figures.cancellations(periods)
    assert (found.total.cancellation_rate, found.total.no_show_rate) == (0.2, 0.1429)
    assert (found.periods[1].due, found.periods[1].cancellation_rate) == (0, None)
    online = days({"booked": 5, "source:web": 2, "source:api": 1, "source:retell_phone": 2, "lead": 600}, searches=12)
    assert figures.conversion(online).total.rate == 0.25
    assert figures.lead_time(online).total.average_hours == 2.0


def test_utilisation_is_silent_where_days_were_not_measured() -> None:
    measured = days({"minutes": 90}, available=360)
    assert figures.utilisation(measured).total.rate == 0.25
    assert figures.utilisation(days({"minutes": 90}, available=360, unmeasured=1)).total.rate is None
    assert figures.utilisation(days({}, available=0)).total.rate is None


def test_what_is_wanted_when_and_by_which_way() -> None:
    periods = days(
        {"hour:0:9": 2, "service:a": 3, "served:a": 60, "service:b": 1, "booked": 3, "lead": 360, "source:web": 3},
        {"hour:1:17": 1, "service:b": 4, "served:b": 20},
        {"booked": 1, "lead": 120, "source:api": 1},
    )
    heat = figures.popular_times(periods)
    assert (heat.appointments, heat.heat[0][9], heat.heat[1][17]) == (3, 2, 1)
    assert [(s.service_id, s.appointments, s.minutes) for s in figures.demand(periods).services] == [
        ("b", 5, 20), ("a", 3, 60),
    ]  # fmt: skip
    assert [(s.source, s.share) for s in figures.sources(periods).sources] == [("web", 0.75), ("api", 0.25)]
    recent = figures.recent(periods)
    assert (recent.average_lead_hours, recent.active_days, recent.average_per_active_day) == (2.0, 2, 2.0)
