"""Hours: dates that differ, breaks, closures and holidays, shifts past midnight, days of 23 and 25 hours."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chalicelib.booking.practice.hours import Closure, DayHours, Span, Window, check_days, check_windows
from chalicelib.booking.practice.models import Branch, HolidayCalendar, Resource, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin.compile_schedule import compile_schedule, knows_holidays
from chalicelib.core.errors import Invalid

TODAY = date(2026, 11, 23)
MONDAY = date(2026, 11, 30)


def schedule(zone: str = "Europe/Berlin", hours: tuple[Window, ...] = (), **more: object) -> Schedule:
    hours = hours or tuple(Window(day, 480, 1200) for day in range(7))
    branch = Branch(id="bra_1", company_id="com", name="Mitte", zone=zone, hours=hours, **more)  # type: ignore[arg-type]
    return compile_schedule(branch, [], [], [], TODAY)


def member(*windows: Window, **more: object) -> Staff:
    mine = {"bra_1": windows or (Window(0, 540, 1020),)}
    return Staff(id="stf_1", company_id="com", name="Ada", home_branch_id="bra_1", hours=mine, service_ids=(), **more)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_date_of_its_own_replaces_the_weekly_hours() -> None:
    open_late = schedule(exceptions=(DayHours(MONDAY, (Span(720, 900),)),))
    assert open_late.windows(member(), MONDAY) == [(utc("2026-11-30T11:00"), utc("2026-11-30T14:00"))]
    away = member(exceptions={"bra_1": (DayHours(MONDAY),)})
    assert schedule().windows(away, MONDAY) == []
    assert len(schedule().windows(away, MONDAY + timedelta(weeks=1))) == 1


def test_breaks_are_taken_out() -> None:
    found = schedule().windows(member(breaks={"bra_1": (Window(0, 720, 780),)}), MONDAY)
    assert found == [
        (utc("2026-11-30T08:00"), utc("2026-11-30T11:00")),
        (utc("2026-11-30T12:00"), utc("2026-11-30T16:00")),
    ]


def test_a_closure_and_a_holiday_close_and_hours_of_the_date_go_before_both() -> None:
    closed = schedule(closures=(Closure(MONDAY, MONDAY),))
    assert closed.windows(member(), MONDAY) == []
    christmas = date(2026, 12, 25)
    works = member(*(Window(day, 540, 1020) for day in range(7)))
    assert schedule().windows(works, christmas)
    assert not schedule(holidays=HolidayCalendar("DE")).windows(works, christmas)
    emergency = (DayHours(christmas, (Span(600, 660),)),)
    assert len(schedule(holidays=HolidayCalendar("DE"), exceptions=emergency).windows(works, christmas)) == 1


def test_holidays_differ_by_region() -> None:
    epiphany = date(2027, 1, 6)
    assert epiphany in schedule(holidays=HolidayCalendar("DE", "BY")).closed
    assert epiphany not in schedule(holidays=HolidayCalendar("DE", "BE")).closed
    assert not knows_holidays(HolidayCalendar("DE", "XX"))
    assert not knows_holidays(HolidayCalendar("QQ"))


def test_a_night_shift_is_one_stretch_though_the_branch_opens_anew_at_midnight() -> None:
    around_the_clock = schedule(hours=tuple(Window(day, 0, 1440) for day in range(7)))
    night = member(Window(0, 1320, 1800))
    assert around_the_clock.windows(night, MONDAY) == [(utc("2026-11-30T21:00"), utc("2026-12-01T05:00"))]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)]
)
def test_a_day_has_the_hours_that_its_clock_has(day: date, hours: int) -> None:
    always = schedule(hours=tuple(Window(n, 0, 1440) for n in range(7)))
    ((start, end),) = always.windows(member(*(Window(n, 0, 1440) for n in range(7))), day)
    assert end - start == timedelta(hours=hours)


def test_a_zone_whose_clock_changes_at_midnight() -> None:
    beirut = schedule("Asia/Beirut", tuple(Window(n, 0, 120) for n in range(7)))
    day = date(2026, 3, 29)  # midnight does not exist: the clock goes from 23:59 to 01:00
    ((start, end),) = beirut.windows(member(*(Window(n, 0, 120) for n in range(7))), day)
    assert end - start == timedelta(hours=1)


def test_a_room_without_hours_is_there_when_the_branch_is() -> None:
    room = Resource(id="res_1", company_id="com", branch_id="bra_1", kind="room", name="1")
    assert schedule().hours_of_resource(room) is schedule().hours()


@pytest.mark.parametrize(
    ("windows", "code"),
    [
        ((Window(0, 600, 600),), "empty_window"),
        ((Window(0, 540, 720), Window(0, 700, 800)), "overlapping_windows"),
        ((Window(0, 1380, 1500), Window(1, 30, 90)), "overlapping_windows"),
        ((Window(6, 1380, 1500), Window(0, 30, 90)), "overlapping_windows"),
    ],
)
def test_windows_that_make_no_sense(windows: tuple[Window, ...], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_windows(windows, "body.hours")
    assert caught.value.faults[0].code == code


def test_dates_that_make_no_sense() -> None:
    for days, code in (
        ((DayHours(MONDAY), DayHours(MONDAY)), "date_twice"),
        ((DayHours(MONDAY, (Span(10, 10),)),), "empty_window"),
        ((DayHours(MONDAY, (Span(10, 30), Span(20, 40))),), "overlapping_windows"),
    ):
        with pytest.raises(Invalid) as caught:
            check_days(days, "body.exceptions")
        assert caught.value.faults[0].code == code
