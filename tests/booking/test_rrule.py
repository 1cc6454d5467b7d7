"""Recurrence rules where they are hardest to read: year ends, weeks by number, leap years, first and last dates."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from chalicelib.booking.series import rrule
from chalicelib.booking.series.recurrence import LONGEST, MOST, Recurrence
from chalicelib.core.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
ANY_DAY = ",".join(rrule.WEEKDAYS)


def ours(text: str, first: date, last: date) -> list[str]:
    return [day.isoformat() for day in rrule.parse(text, "body").dates(first, last)]


def of_dateutil(text: str, first: date, last: date) -> list[str]:
    start = datetime.combine(first, datetime.min.time())
    return [at.date().isoformat() for at in rrulestr(f"{text};UNTIL={last:%Y%m%d}", dtstart=start)]


AT_YEAR_ENDS: list[tuple[str, str, list[str]]] = [
    # 2026 has 53 weeks, and its last Monday begins the 53rd of them.
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2026-12-28", ["2027-01-04", "2028-01-03"]),
    ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-12-28", ["2026-12-28"]),
    ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU", "2026-12-28", ["2027-01-03"]),
    ("FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO", "2026-12-29", []),
    # The last week is the 53rd in 2026 and the 52nd in 2027.
    ("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "2026-12-28", ["2026-12-28", "2027-12-27"]),
    ("FREQ=YEARLY;BYWEEKNO=-2;BYDAY=MO", "2026-12-21", ["2026-12-21", "2027-12-20"]),
    # Week 1 of 2026 begins in 2025.
    ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,TH", "2025-12-29", ["2025-12-29", "2026-01-01", "2027-01-04", "2027-01-07"]),
    # With weeks that begin on Sunday, the first of 2027 begins on the 3rd.
    ("FREQ=YEARLY;WKST=SU;BYWEEKNO=1;BYDAY=SU", "2027-01-01", ["2027-01-03", "2028-01-02"]),
    ("FREQ=YEARLY;WKST=MO;BYWEEKNO=1;BYDAY=SU", "2027-01-01", ["2027-01-10", "2028-01-09"]),
    # The last day of a month, of February in a leap year too.
    ("FREQ=MONTHLY;BYMONTHDAY=-1", "2028-01-31", ["2028-01-31", "2028-02-29", "2028-03-31"]),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "2027-02-28", ["2027-02-28", "2028-02-29", "2029-02-28"]),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2027-03-01", ["2028-02-29"]),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-29", "2027-01-01", ["2028-02-01"]),
    ("FREQ=YEARLY", "2028-02-29", ["2028-02-29"]),
    ("FREQ=YEARLY;BYYEARDAY=366", "2027-01-01", ["2028-12-31"]),
    ("FREQ=YEARLY;BYYEARDAY=-366", "2027-01-01", ["2028-01-01"]),
    ("FREQ=YEARLY;BYYEARDAY=-1", "2027-01-01", ["2027-12-31", "2028-12-31"]),
    ("FREQ=YEARLY;BYYEARDAY=1,-1", "2027-12-31", ["2027-12-31", "2028-01-01", "2028-12-31", "2029-01-01"]),
    # 2027 begins and ends with a Friday, so it has 53 of them.
    ("FREQ=YEARLY;BYDAY=53FR", "2027-01-01", ["2027-12-31"]),
    ("FREQ=YEARLY;BYDAY=-53FR", "2027-01-01", ["2027-01-01"]),
    ("FREQ=YEARLY;BYDAY=53SA", "2027-01-01", ["2028-12-30"]),
    ("FREQ=MONTHLY;BYDAY=5MO", "2026-12-01", ["2027-03-29", "2027-05-31"]),
    ("FREQ=MONTHLY;BYDAY=-1FR", "2026-12-25", ["2026-12-25", "2027-01-29", "2027-02-26"]),
    ("FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=5", "2026-11-05", ["2026-11-05", "2027-01-05", "2027-03-05"]),
    ("FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=5", "2026-03-05", ["2026-03-05", "2026-08-05", "2027-01-05", "2027-06-05"]),
    ("FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=1", "2027-01-01", ["2027-01-01", "2029-01-01"]),
    ("FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=2", "2026-12-04", ["2026-12-07", "2027-01-04", "2027-02-05"]),
    ("FREQ=YEARLY;BYMONTH=1,12;BYDAY=MO;BYSETPOS=1,-2", "2026-12-21", ["2026-12-21", "2027-01-04", "2027-12-20"]),
    ("FREQ=YEARLY;INTERVAL=3;BYMONTH=1;BYMONTHDAY=1", "2027-01-01", ["2027-01-01"]),
    # Every second week goes on counting over the year's end.
    ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2026-12-21", ["2026-12-21", "2027-01-04", "2027-01-18"]),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SA,SU", "2026-12-26", ["2026-12-26", "2027-01-03", "2027-01-09"]),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-12-01", ["2026-12-31", "2027-01-29", "2027-02-26"]),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-12-31", ["2026-12-31", "2027-01-29", "2027-02-26"]),
]


@pytest.mark.parametrize(("text", "first", "expected"), AT_YEAR_ENDS)
def test_dates_around_the_ends_of_years_and_months(text: str, first: str, expected: list[str]) -> None:
    begin = date.fromisoformat(first)
    last = begin + timedelta(days=731)
    found = ours(text, begin, last)
    assert found[: len(expected)] == expected
    assert found == of_dateutil(text, begin, last)


@pytest.mark.parametrize("number", [1, 2, 51, 52, 53, -1, -2, -51, -52, -53])
def test_weeks_by_number_are_those_of_iso_8601(number: int) -> None:
    """dateutil is no judge here: it has 2022-01-01 in week 53, and overlooks a week -52 that begins in December."""
    rule = rrule.parse(f"FREQ=YEARLY;BYWEEKNO={number};BYDAY={ANY_DAY}", "body")
    for year in range(2000, 2041):
        first, last = date(year, 1, 1), date(year, 12, 31)
        found = list(rule.dates(first, last))
        assert found == [day for day in every_day(first, last) if number in iso_numbers(day)], year


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def iso_numbers(day: date) -> tuple[int, int]:
    """The number of its week from the beginning of the year and from its end."""
    year, week, _ = day.isocalendar()
    weeks = date(year, 12, 28).isocalendar()[1]
    return week, week - weeks - 1


@pytest.mark.parametrize("start", range(7))
def test_the_first_week_is_the_first_with_four_days_in_the_year(start: int) -> None:
    rule = rrule.parse(f"FREQ=YEARLY;WKST={rrule.WEEKDAYS[start]};BYWEEKNO=1;BYDAY={ANY_DAY}", "body")
    for year in range(2000, 2041):
        around = every_day(date(year, 1, 1) - timedelta(days=13), date(year, 1, 14))
        weeks = [around[n : n + 7] for n, day in enumerate(around) if day.weekday() == start and n + 7 <= len(around)]
        week = next(week for week in weeks if sum(day.year == year for day in week) >= 4)
        found = [*rule.dates(week[0] - timedelta(days=7), week[6] + timedelta(days=7))]
        assert found == week, year


def test_a_week_without_a_weekday_keeps_that_of_the_first_date() -> None:
    """dateutil would take all seven days."""
    wednesday = date(2026, 12, 30)
    found = ours("FREQ=YEARLY;BYWEEKNO=53,1", wednesday, wednesday + timedelta(days=731))
    assert found == ["2026-12-30", "2027-01-06", "2028-01-05"]


HIGHEST: list[tuple[str, str, int, int]] = [
    ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTH", 1, 12),
    ("FREQ=YEARLY", "BYMONTHDAY", -31, 31),
    ("FREQ=YEARLY", "BYYEARDAY", -366, 366),
    ("FREQ=YEARLY;BYDAY=MO", "BYWEEKNO", -53, 53),
    ("FREQ=YEARLY;BYDAY=MO", "BYSETPOS", -366, 366),
    ("FREQ=DAILY", "INTERVAL", 1, 9999),
    ("FREQ=DAILY", "COUNT", 1, 9999),
]


@pytest.mark.parametrize(("text", "name", "least", "most"), HIGHEST)
def test_the_lowest_and_the_highest_number_of_each_part(text: str, name: str, least: int, most: int) -> None:
    for number in (least, most):
        rrule.parse(f"{text};{name}={number}", "body")
    for number in (least - 1, 0, most + 1):
        with pytest.raises(Invalid, match=name):
            rrule.parse(f"{text};{name}={number}", "body")


@pytest.mark.parametrize(
    ("ordinal", "taken"), [(-54, False), (-53, True), (-1, True), (0, False), (53, True), (54, False)]
)
def test_ordinals_of_weekdays(ordinal: int, taken: bool) -> None:
    if taken:
        assert rrule.parse(f"FREQ=YEARLY;BYDAY={ordinal}MO", "body").by_day == ((ordinal, 0),)
        return
    with pytest.raises(Invalid):
        rrule.parse(f"FREQ=YEARLY;BYDAY={ordinal}MO", "body")


def starts(first: datetime, **fields: Any) -> list[str]:
    instants = Recurrence(**{"frequency": "custom"} | fields).instants(first, BERLIN)
    return [at.astimezone(BERLIN).date().isoformat() for at in instants]


def refused(first: datetime, **fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as raised:
        starts(first, **fields)
    return [(fault.path, fault.code) for fault in raised.value.faults]


FIRST = datetime(2026, 12, 1, 9, tzinfo=BERLIN)


def test_a_series_begins_where_its_rule_does() -> None:
    text = "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=2"
    early = datetime(2026, 12, 28, 9, tzinfo=BERLIN)
    assert refused(early, rrule=text) == [("body.starts_at", "not_in_rule")]
    with pytest.raises(Invalid, match="would be 2027-01-04"):
        starts(early, rrule=text)
    assert starts(datetime(2027, 1, 4, 9, tzinfo=BERLIN), rrule=text) == ["2027-01-04", "2028-01-03"]


def test_the_frequencies_by_name() -> None:
    assert starts(FIRST, frequency="daily", count=2) == ["2026-12-01", "2026-12-02"]
    assert starts(FIRST, frequency="weekly", count=2) == ["2026-12-01", "2026-12-08"]
    assert starts(FIRST, frequency="every_two_weeks", count=3) == ["2026-12-01", "2026-12-15", "2026-12-29"]
    assert starts(FIRST, frequency="monthly", count=3) == ["2026-12-01", "2027-01-01", "2027-02-01"]


def test_a_count_is_reached_and_a_hundred_at_most() -> None:
    assert starts(FIRST, rrule="FREQ=DAILY;COUNT=1") == ["2026-12-01"]
    assert len(starts(FIRST, rrule=f"FREQ=DAILY;COUNT={MOST}")) == MOST
    assert refused(FIRST, rrule=f"FREQ=DAILY;COUNT={MOST + 1}") == [("body.recurrence.rrule", "too_many")]
    until = FIRST.date() + timedelta(days=MOST - 1)
    assert len(starts(FIRST, frequency="daily", until=until)) == MOST
    one_more = until + timedelta(days=1)
    assert refused(FIRST, frequency="daily", until=one_more) == [("body.recurrence.until", "too_many")]


def test_what_is_excluded_counts() -> None:
    assert starts(FIRST, frequency="daily", count=3, excluded=(date(2026, 12, 2),)) == ["2026-12-01", "2026-12-03"]
    assert starts(FIRST, frequency="daily", count=3, excluded=(date(2026, 12, 1),)) == ["2026-12-02", "2026-12-03"]
    everything = tuple(every_day(date(2026, 12, 1), date(2026, 12, 3)))
    assert refused(FIRST, frequency="daily", count=3, excluded=everything) == [
        ("body.recurrence.excluded", "no_occurrence")
    ]
    # The 101st day is one too many, whether or not another is left out.
    until = FIRST.date() + timedelta(days=MOST)
    assert refused(FIRST, frequency="daily", until=until, excluded=(date(2026, 12, 2),)) == [
        ("body.recurrence.until", "too_many")
    ]


def test_until_may_be_the_first_day_and_two_years_later() -> None:
    assert starts(FIRST, frequency="weekly", until=FIRST.date()) == ["2026-12-01"]
    day_before = FIRST.date() - timedelta(days=1)
    assert refused(FIRST, frequency="weekly", until=day_before) == [("body.recurrence.until", "no_occurrence")]
    assert starts(FIRST, frequency="monthly", until=FIRST.date() + LONGEST)[-1] == "2028-11-01"
    day_after = FIRST.date() + LONGEST + timedelta(days=1)
    assert refused(FIRST, frequency="monthly", until=day_after) == [("body.recurrence.until", "too_far_ahead")]


def test_the_last_of_a_count_lies_within_two_years() -> None:
    # 2028 has a 29 February: two years of 730 days end on 30 November.
    assert starts(FIRST, frequency="monthly", count=24)[-1] == "2028-11-01"
    assert refused(FIRST, frequency="monthly", count=25) == [("body.recurrence.count", "too_far_ahead")]
    last_day = datetime(2026, 11, 30, 9, tzinfo=BERLIN)
    yearly = "FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=11;COUNT=2"
    assert starts(last_day, rrule=yearly) == ["2026-11-30", "2027-11-30"]


def test_until_in_utc_is_compared_with_the_very_instant() -> None:
    evening = datetime(2026, 12, 1, 23, 30, tzinfo=BERLIN)
    assert starts(evening, rrule="FREQ=DAILY;UNTIL=20261203T223000Z")[-1] == "2026-12-03"
    assert starts(evening, rrule="FREQ=DAILY;UNTIL=20261203T222959Z")[-1] == "2026-12-02"
    # Half past midnight in Berlin is the day before in UTC.
    night = datetime(2026, 12, 1, 0, 30, tzinfo=BERLIN)
    assert starts(night, rrule="FREQ=DAILY;UNTIL=20261202T233000Z")[-1] == "2026-12-03"
    assert night.astimezone(UTC).date() == date(2026, 11, 30)
