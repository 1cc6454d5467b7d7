"""The parts of the engine: clocks, windows, bitmaps, hours, starts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.booking.engine import bits, windows
from chalicelib.booking.engine.clocks import day_of, day_start, instant, phase
from chalicelib.booking.engine.hours import Hours, Travel, opened
from chalicelib.booking.engine.starts import SlotSpec, aligned
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
    assert minutes(windows.continuous(some)) == minutes(some)


def test_windows_that_touch_are_continuous_and_do_not_overlap() -> None:
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


def test_a_stretch_begins_on_the_clock_and_keeps_the_step_from_the_one_before() -> None:
    plain, later = SlotSpec(duration=45, step=45), SlotSpec(duration=30, step=30, offset=5)
    assert aligned([(660, 750), (790, 900)], plain, "UTC") == [660, 705, 795, 840]
    assert aligned([(600, 625), (640, 720)], SlotSpec(duration=20, step=90), "UTC") == [600, 690]
    assert aligned([(601, 651), (652, 713)], SlotSpec(duration=20, step=45), "UTC") == [615, 660]
    assert aligned([(600, 645), (650, 720)], plain, "UTC") == [600, 660]
    assert aligned([(600, 700)], later, "UTC") == [605, 640]
    assert aligned([(601, 700)], SlotSpec(duration=30, step=40, alignment="gap"), "UTC") == [601, 641]
