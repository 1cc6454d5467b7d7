"""Recurrences: dates held to python-dateutil, instants to zoneinfo; what is no series is refused by its field."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.booking.series import rrule
from chalicelib.booking.series.recurrence import MOST, Recurrence
from chalicelib.core.errors import Invalid
from tests.sizes import examples

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "Europe/Berlin", "America/New_York", "America/Santiago", "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe",
    "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "America/Havana", "UTC",
)  # fmt: skip
DAYS = st.lists(st.sampled_from(rrule.WEEKDAYS), min_size=1, max_size=3, unique=True)
PLACED = st.tuples(st.sampled_from((-2, -1, 1, 2, 3, 5)), st.sampled_from(rrule.WEEKDAYS)).map(
    lambda p: f"{p[0]}{p[1]}"
)


def numbers(*allowed: int) -> Any:
    return st.lists(st.sampled_from(allowed), min_size=1, max_size=3, unique=True).map(lambda n: ",".join(map(str, n)))


@st.composite
def rules(draw: Any) -> str:
    """Rules with parts that go together, without most that never match: dateutil looks for those for seconds."""
    freq = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = {"FREQ": freq, "INTERVAL": str(draw(st.integers(1, 4))), "WKST": draw(st.sampled_from(rrule.WEEKDAYS))}
    if draw(st.booleans()):
        parts["BYMONTH"] = draw(numbers(1, 2, 3, 6, 10, 11, 12))
    if freq != "WEEKLY" and draw(st.booleans()):
        parts["BYMONTHDAY"] = draw(numbers(1, 13, 28, -1, -3) if "BYMONTH" in parts else numbers(28, 29, 30, 31, -1))
    if freq == "YEARLY" and draw(st.booleans()):
        parts["BYYEARDAY"] = draw(numbers(1, 60, 100, 366, -1, -60))
    if draw(st.booleans()):
        parts["BYDAY"] = ",".join(draw(DAYS))
        if freq in ("MONTHLY", "YEARLY") and draw(st.booleans()):
            parts["BYDAY"] = draw(PLACED)
        elif freq == "YEARLY" and draw(st.booleans()):
            # Not the weeks that dateutil gets wrong at year ends; test_rrule.py holds those to ISO 8601.
            parts["BYWEEKNO"] = draw(numbers(1, 2, 26, 51, -1, -2))
    if {"BYMONTHDAY", "BYDAY", "BYMONTH", "BYYEARDAY"} & set(parts) and draw(st.booleans()):
        parts["BYSETPOS"] = draw(numbers(1, -1) if freq in ("DAILY", "WEEKLY") else numbers(1, 2, -1, -2))
    return ";".join(f"{name}={value}" for name, value in parts.items())


@settings(max_examples=examples(250))
@given(text=rules(), first=st.dates(date(2023, 1, 1), date(2028, 12, 31)))
def test_a_rule_falls_on_the_dates_that_dateutil_finds(text: str, first: date) -> None:
    rule = rrule.parse(text, "body")
    if rule.freq == "WEEKLY" and rule.by_set_pos:
        # dateutil counts positions from the first date on in the first week, not in the whole week.
        first -= timedelta(days=(first.weekday() - rule.week_start) % 7)
    last = first + timedelta(days=731)
    theirs = rrulestr(f"{text};UNTIL={last:%Y%m%d}", dtstart=datetime.combine(first, datetime.min.time()))
    assert list(rule.dates(first, last)) == [at.date() for at in theirs]


def counted(frequency: Any, count: int | None, **fields: Any) -> Recurrence:
    return Recurrence(frequency=frequency, count=count, **fields)


@settings(max_examples=examples(300))
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(2024, 1, 1), date(2031, 1, 1)),
    minute=st.integers(0, 1439),
    frequency=st.sampled_from(("daily", "weekly", "every_two_weeks", "monthly")),
    count=st.integers(1, 12),  # of the 31st, more lie beyond two years
)
def test_the_wall_clock_is_kept_whatever_the_clocks_do(
    zone: str, day: date, minute: int, frequency: Any, count: int
) -> None:
    clock = ZoneInfo(zone)
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
    first = wall.replace(tzinfo=clock).astimezone(UTC)
    local = first.astimezone(clock)
    found = counted(frequency, count).instants(first, clock)
    assert len(found) == count
    assert found[0] == first
    assert found == sorted(found)
    for at in found[1:]:
        here = at.astimezone(clock).replace(tzinfo=None)
        if here.time() != local.time():
            # The clocks skip the time that day: it is the very moment at which they jump.
            before = (at - timedelta(minutes=1)).astimezone(clock).replace(tzinfo=None)
            meant = next(
                local_time
                for local_time in (datetime.combine(here.date() - timedelta(days=n), local.time()) for n in (0, 1))
                if before < local_time
            )
            assert before < meant < here
            assert here - before > timedelta(minutes=1)
        else:
            # Of a time that comes twice, the first: an hour before it is another time.
            assert here == datetime.combine(here.date(), local.time())
            assert at == here.replace(tzinfo=clock).astimezone(UTC)


def test_nine_oclock_stays_nine_oclock_over_the_end_of_summer_time() -> None:
    first = datetime(2026, 10, 23, 9, tzinfo=BERLIN)
    found = counted("daily", 4, excluded=(date(2026, 10, 24),)).instants(first, BERLIN)
    assert [at.astimezone(UTC).hour for at in found] == [7, 8, 8]


def test_the_second_of_a_time_that_comes_twice_is_what_was_asked_for_and_stays_so() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert second.astimezone(BERLIN).strftime("%H:%M") == "02:30"
    assert counted("weekly", 2).instants(second, BERLIN) == [second, datetime(2026, 11, 1, 1, 30, tzinfo=UTC)]


def dates(recurrence: Recurrence, first: datetime) -> list[str]:
    return [at.astimezone(BERLIN).date().isoformat() for at in recurrence.instants(first, BERLIN)]


def test_months_without_the_day_are_skipped_and_the_last_day_can_be_asked_for() -> None:
    first = datetime(2027, 1, 31, 9, tzinfo=BERLIN)
    assert dates(counted("monthly", 3), first) == ["2027-01-31", "2027-03-31", "2027-05-31"]
    last = Recurrence(frequency="custom", rrule="FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3")
    assert dates(last, first) == ["2027-01-31", "2027-02-28", "2027-03-31"]
    leap = datetime(2028, 2, 29, 9, tzinfo=BERLIN)
    assert dates(counted("monthly", 2), leap) == ["2028-02-29", "2028-03-29"]


def test_until_is_a_local_date_that_is_still_in_it() -> None:
    first = datetime(2026, 12, 1, 9, tzinfo=BERLIN)
    assert len(dates(Recurrence(frequency="daily", until=date(2026, 12, 3)), first)) == 3
    for text, expected in (
        ("20261203", 3),
        ("20261203T090000", 3),
        ("20261203T085959", 2),
        ("20261203T080000Z", 3),
        ("20261203T075959Z", 2),
    ):
        assert len(dates(Recurrence(frequency="custom", rrule=f"FREQ=DAILY;UNTIL={text}"), first)) == expected, text


TUESDAY = datetime(2026, 12, 1, 9, tzinfo=BERLIN)
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"frequency": "weekly"}, "recurrence.count", "required"),
    ({"frequency": "weekly", "count": 2, "until": date(2027, 1, 1)}, "recurrence.until", "two_bounds"),
    ({"frequency": "weekly", "count": 2, "rrule": "FREQ=DAILY"}, "recurrence.rrule", "not_custom"),
    ({"frequency": "weekly", "until": date(2026, 11, 30)}, "recurrence.until", "no_occurrence"),
    ({"frequency": "weekly", "until": date(2029, 1, 1)}, "recurrence.until", "too_far_ahead"),
    ({"frequency": "monthly", "count": 26}, "recurrence.count", "too_far_ahead"),
    ({"frequency": "daily", "until": date(2027, 12, 1)}, "recurrence.until", "too_many"),
    ({"frequency": "daily", "count": 1, "excluded": (date(2026, 12, 1),)}, "recurrence.excluded", "no_occurrence"),
    ({"frequency": "custom", "count": 1}, "recurrence.rrule", "required"),
]
BAD_RULES = (
    "", "nonsense", "FREQ=HOURLY;COUNT=3", "FREQ=MINUTELY;COUNT=3", "COUNT=3", "FREQ=DAILY;FREQ=DAILY;COUNT=2",
    "FREQ=DAILY;BYHOUR=9;COUNT=3", "FREQ=DAILY;INTERVAL=0;COUNT=3", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1",
    "FREQ=DAILY;COUNT=1e9", "FREQ=DAILY;COUNT=²", "FREQ=DAILY;UNTIL=2026", "FREQ=DAILY;UNTIL=20261399",
    "FREQ=DAILY;UNTIL=20261203T256000", "FREQ=WEEKLY;BYDAY=XX;COUNT=2", "FREQ=WEEKLY;BYDAY=1TU;COUNT=2",
    "FREQ=MONTHLY;BYDAY=0TU;COUNT=2", "FREQ=MONTHLY;BYDAY=54TU;COUNT=2", "FREQ=MONTHLY;BYMONTHDAY=32;COUNT=2",
    "FREQ=MONTHLY;BYMONTHDAY=0;COUNT=2", "FREQ=YEARLY;BYMONTH=-1;COUNT=2", "FREQ=WEEKLY;BYMONTHDAY=1;COUNT=2",
    "FREQ=MONTHLY;BYWEEKNO=1;COUNT=2", "FREQ=MONTHLY;BYSETPOS=1;COUNT=2", "FREQ=DAILY;WKST=XX;COUNT=2",
    "FREQ=DAILY;BYEASTER=1;COUNT=2", "FREQ=DAILY;=;COUNT=2", "FREQ=DAILY;COUNT=101",
    "FREQ=DAILY;COUNT=2;UNTIL=20270101",
    "FREQ=DAILY", "FREQ=DAILY;UNTIL=00010101T000000Z", "FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=DAILY;UNTIL=20261130",
    "DTSTART:20261201T090000\nRRULE:FREQ=DAILY;COUNT=2",
)  # fmt: skip


@pytest.mark.parametrize(("fields", "path", "code"), REFUSED)
def test_what_is_no_series_is_refused_by_its_field(fields: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        Recurrence(**fields).instants(TUESDAY, BERLIN)
    assert [(fault.path, fault.code) for fault in raised.value.faults] == [(f"body.{path}", code)]


@pytest.mark.parametrize("text", BAD_RULES)
def test_rules_that_are_none_or_have_no_end_are_refused(text: str) -> None:
    with pytest.raises(Invalid) as raised:
        Recurrence(frequency="custom", rrule=text).instants(TUESDAY, BERLIN)
    assert raised.value.faults[0].path in ("body.recurrence.rrule", "body.recurrence.count"), raised.value.faults


def test_a_series_begins_on_its_own_rule_and_one_that_never_comes_is_found_out_at_once() -> None:
    for text, said in (
        ("FREQ=WEEKLY;BYDAY=MO;COUNT=2", "2026-12-07"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "no date"),
    ):
        with pytest.raises(Invalid, match=said) as raised:
            Recurrence(frequency="custom", rrule=text).instants(TUESDAY, BERLIN)
        assert raised.value.faults[0].path == "body.starts_at"


def test_a_hundred_are_a_series_and_more_are_not() -> None:
    assert len(dates(counted("daily", MOST), TUESDAY)) == MOST
    assert dates(Recurrence(frequency="custom", rrule="RRULE:FREQ=WEEKLY;BYDAY=TU,TH;", count=3), TUESDAY) == [
        "2026-12-01",
        "2026-12-03",
        "2026-12-08",
    ]
