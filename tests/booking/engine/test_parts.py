"""The parts of the engine: clocks, windows, bitmaps, hours, limits, seats, routing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.booking.engine import bits, windows
from chalicelib.booking.engine.clocks import day_of, day_start, instant, phase
from chalicelib.booking.engine.hours import Hours, Travel, opened
from chalicelib.booking.engine.limits import days_ahead, full, period_of, window_end
from chalicelib.booking.engine.query import Host
from chalicelib.booking.engine.routing import choose
from chalicelib.booking.engine.starts import SlotSpec, rounded
from chalicelib.booking.engine.taken import Taken, attendance, blocked_windows, with_a_seat
from tests.booking.engine.brute import first_shown
from tests.booking.engine.drawn import PLACES

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda w: (w[0], w[0] + w[1])), max_size=6)
EPOCH_DAY = date(1970, 1, 1).toordinal()


def minutes(found: list[tuple[int, int]]) -> set[int]:
    return {minute for window in found for minute in range(*window)}


@pytest.mark.parametrize(("zone", "day"), PLACES)
def test_an_instant_is_the_first_minute_at_which_the_clock_is_so_far(zone: str, day: date) -> None:
    for number in range(day.toordinal() - 1, day.toordinal() + 2):
        for minute in range(0, 1441, 15):
            assert instant(zone, number, minute) == first_shown(zone, (number - EPOCH_DAY) * 1440 + minute)


def test_days_have_the_length_that_the_zone_gives_them() -> None:
    def length(zone: str, year: int, month: int, day: int) -> int:
        number = date(year, month, day).toordinal()
        return day_start(zone, number + 1) - day_start(zone, number)

    assert length("Europe/Berlin", 2026, 3, 29) == 23 * 60
    assert length("Europe/Berlin", 2026, 10, 25) == 25 * 60
    assert length("America/Sao_Paulo", 2018, 11, 4) == 23 * 60
    assert length("Asia/Beirut", 2022, 3, 27) == 23 * 60
    assert length("Australia/Lord_Howe", 2024, 10, 6) == 23 * 60 + 30
    assert length("Pacific/Apia", 2011, 12, 30) == 0
    assert (
        day_of("America/Sao_Paulo", day_start("America/Sao_Paulo", date(2018, 11, 4).toordinal()))
        == date(2018, 11, 4).toordinal()
    )


def test_a_grid_s_phase_is_that_of_the_zone_unless_it_changes() -> None:
    march = date(2026, 3, 25).toordinal()
    assert phase("Europe/Berlin", march, march + 7, 60) == 0
    assert phase("Asia/Kathmandu", march, march, 60) == (-345) % 60
    october = date(2024, 10, 4).toordinal()
    assert phase("Australia/Lord_Howe", october, october + 4, 60) is None
    assert phase("Australia/Lord_Howe", october, october + 4, 30) == 0


@given(spans, spans)
def test_windows_are_sets_of_minutes(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    assert minutes(windows.without(some, others)) == minutes(some) - minutes(others)
    assert minutes(windows.common([some, others])) == minutes(some) & minutes(others)
    assert minutes(windows.merged(some)) == minutes(windows.continuous(some)) == minutes(some)
    assert minutes(windows.without_contained(some)) == minutes(some)
    assert minutes(windows.clipped(some, 10, 30)) == minutes(some) & set(range(10, 30))
    kept = windows.without_contained(some)
    assert not [a for a in kept for b in kept if a != b and b[0] <= a[0] and a[1] <= b[1]]


def test_windows_that_touch_stay_apart_unless_they_are_to_be_continuous() -> None:
    assert windows.merged([(0, 5), (5, 9), (8, 12)]) == [(0, 5), (5, 12)]
    assert windows.continuous([(0, 5), (5, 9), (3, 3)]) == [(0, 9)]
    assert not windows.overlaps((0, 5), [(5, 9)])
    assert windows.common([]) == []


@given(spans, st.integers(1, 20), st.integers(0, 9), st.integers(0, 9))
def test_bitmaps_are_the_same_sets(some: list[tuple[int, int]], length: int, left: int, right: int) -> None:
    origin, size = -20, 120
    mask = bits.mask(some, origin, size)
    assert {origin + n for n in bits.ones(mask)} == minutes(some)
    assert minutes(bits.spans(mask, origin)) == minutes(some)
    run = {origin + n for n in bits.ones(bits.runs(mask, length))}
    assert run == {m for m in minutes(some) if set(range(m, m + length)) <= minutes(some)}
    wide = {origin + n for n in bits.ones(bits.widened(mask, left, right))}
    assert wide == {m + n for m in minutes(some) for n in range(-left, right + 1)}
    assert bits.ones(bits.every(7, 3, 30)) == [3, 10, 17, 24]
    assert bits.every(7, 30, 30) == 0


def test_other_hours_on_a_date_end_the_evening_before_at_midnight() -> None:
    monday = date(2026, 6, 1).toordinal()
    late = Hours(zone="UTC", weekly=(((1200, 1560),),) + ((),) * 6, overrides=((monday + 1, ((600, 700),)),))
    midnight = day_start("UTC", monday + 1)
    assert opened(late, monday, monday + 1) == [(midnight - 240, midnight), (midnight + 600, midnight + 700)]
    free = Hours(zone="UTC", weekly=late.weekly)
    assert opened(free, monday, monday + 1) == [(midnight - 240, midnight + 120)]


def test_hours_are_read_on_another_clock_while_travelling() -> None:
    monday = date(2026, 6, 1).toordinal()
    away = Hours(zone="Europe/Berlin", weekly=(((540, 600),),) * 7, travel=(Travel(monday + 1, None, "Asia/Tokyo"),))
    starts = [start for start, _ in opened(away, monday, monday + 1)]
    assert starts == [instant("Europe/Berlin", monday, 540), instant("Asia/Tokyo", monday + 1, 540)]


def test_periods_follow_the_calendar_and_weeks_start_on_sunday() -> None:
    day = date(2024, 2, 29).toordinal()
    assert [date.fromordinal(number).isoformat() for number in period_of("week", day)] == ["2024-02-25", "2024-03-03"]
    assert [date.fromordinal(number).isoformat() for number in period_of("month", day)] == ["2024-02-01", "2024-03-01"]
    assert [date.fromordinal(number).isoformat() for number in period_of("year", day)] == ["2024-01-01", "2025-01-01"]


def test_a_period_is_full_when_one_more_would_be_too_many() -> None:
    monday = date(2026, 6, 1).toordinal()
    midnight = day_start("UTC", monday)
    assert full({"day": 2}, [(monday, 1), (monday, 1)], 1, "UTC", (monday, monday + 1)) == [(midnight, midnight + 1440)]
    assert full({"day": 3}, [(monday, 1), (monday, 1)], 1, "UTC", (monday, monday + 1)) == []
    assert len(full({"day": 30}, [], 60, "UTC", (monday, monday + 1))) == 2
    assert full({"day": 0}, [(monday, 1)], 1, "UTC", (monday, monday)) == []


def test_weekends_may_be_left_out_of_account() -> None:
    friday = date(2024, 5, 31).toordinal()
    assert days_ahead(friday, 2, True) == friday + 2
    assert days_ahead(friday, 2, False) == friday + 4
    assert window_end(friday, 2, False, {friday, friday + 1, friday + 4}) == friday + 4
    assert window_end(friday, 2, True, ()) == friday + 61


def test_a_group_with_a_seat_left_keeps_only_the_time_around_it() -> None:
    spec = SlotSpec(duration=60, step=60, before=5, after=10)
    group = Taken(start=600, end=660, before=1, after=2, same_service=True, people=2)
    assert blocked_windows([group], spec, 3) == ([], [(589, 600), (660, 667)])
    assert blocked_windows([group], spec, 2) == ([(599, 662)], [])
    other = Taken(start=600, end=660)
    assert blocked_windows([other], spec, 3) == ([(600, 660)], [])
    assert with_a_seat([540, 600, 630, 660], [group], 60, 2) == [540, 660]
    assert with_a_seat([540, 600], [group], 60, 3) == [540, 600]
    assert with_a_seat([570], [other], 60, 3) == []
    assert attendance([540, 600], [group, other]) == {600: 2}


def test_a_stretch_falls_in_with_the_starts_of_another() -> None:
    spec = SlotSpec(duration=45, step=45)
    assert rounded([(660, 780), (675, 780)], spec, "UTC") == [660, 705]
    assert rounded([(660, 780), (790, 900)], spec, "UTC") == [660, 705, 795, 840]
    saving = SlotSpec(duration=20, step=20, optimized=True)
    assert rounded([(610, 750)], saving, "UTC") == [610, 630, 650, 670, 690, 710, 730]


def test_preferences_that_nobody_fulfils_are_left_out_of_account() -> None:
    hours = Hours(zone="UTC", weekly=((),) * 7)
    ada, bob, eve = (Host(id=name, hours=hours, fixed=False) for name in ("ada", "bob", "eve"))
    everyone = [ada, bob, eve]
    assert choose(everyone).first == (ada, bob, eve)
    assert choose(everyone, preferred="bob") == choose(everyone, preferred="bob", routed=["nobody"])
    assert (choose(everyone, preferred="bob").first, choose(everyone, preferred="bob").others) == (
        (bob,),
        (ada, bob, eve),
    )
    assert choose(everyone, routed=["eve"]).first == (eve,)
    assert choose(everyone, preferred="bob", routed=["eve"]).others == (eve, bob)
    assert choose(everyone, preferred="bob", before="ada").first == (ada,)
    assert choose(everyone, routed=["eve"], before="ada").first == (eve,)
