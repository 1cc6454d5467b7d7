"""Ways: the great circle, what a provider says, and the stops of a calendar against a plain list."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.booking.calendar import locations, travel_time
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.calendar.reach import too_far, travelling
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.geo import LONGEST_MIN, Leg, Point, Roads, Travel, great_circle_km, legs_between, point
from chalicelib.core.errors import Unavailable
from chalicelib.core.settings import settings as house
from tests.sizes import examples

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)
"""A Monday: another day, another week, another item."""
FRAME = frame_of(minute_of(MIDNIGHT) - 1440, minute_of(MIDNIGHT) + 1440)
MITTE, POTSDAM, PARIS = point(52.5200, 13.4050), point(52.3989, 13.0657), point(48.8566, 2.3522)
POINTS = st.builds(point, st.floats(-90, 90), st.floats(-180, 180))
NEAR = st.builds(point, st.floats(52.3, 52.7), st.floats(13.0, 13.8))


def test_the_great_circle_is_the_one_in_the_atlas() -> None:
    assert great_circle_km(MITTE, PARIS) == pytest.approx(878, abs=2)
    assert great_circle_km(point(90, 0), point(-90, 77)) == pytest.approx(20015, abs=1)
    assert great_circle_km(point(0, 179.9), point(0, -179.9)) == pytest.approx(22.2, abs=0.1)
    assert point(10, 180) == point(10, -180)


def test_minutes_are_rounded_up_with_the_fixed_ones_on_top_and_end_somewhere() -> None:
    assert Roads().minutes(MITTE, POTSDAM) == 40  # 26.6 km at 40 km/h
    assert Roads(Travel(speed_kmh=80, fixed_min=5)).minutes(MITTE, POTSDAM) == 25
    assert Roads().minutes(MITTE, PARIS) == LONGEST_MIN
    assert Roads().minutes(None, PARIS) == Roads().minutes(MITTE, None) == 0
    assert Roads(known={(MITTE, POTSDAM): 55}).minutes(MITTE, POTSDAM) == 55
    assert Roads(known={(MITTE, POTSDAM): 55}).minutes(POTSDAM, MITTE) == 40


@given(POINTS, POINTS, POINTS, st.integers(1, 300), st.integers(0, 120))
def test_ways_are_symmetric_zero_at_home_and_never_shorter_by_a_detour(
    a: Point, b: Point, c: Point, speed: int, fixed: int
) -> None:
    roads = Roads(Travel(speed_kmh=speed, fixed_min=fixed))
    assert roads.minutes(a, a) == 0
    assert roads.minutes(a, b) == roads.minutes(b, a)
    assert roads.minutes(a, c) <= roads.minutes(a, b) + roads.minutes(b, c)
    assert great_circle_km(a, c) <= great_circle_km(a, b) + great_circle_km(b, c) + 1e-6


def test_every_way_is_asked_for_once_and_both_directions() -> None:
    assert legs_between([MITTE, None], [POTSDAM, MITTE, None, POTSDAM]) == [(MITTE, POTSDAM), (POTSDAM, MITTE)]


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    start = MIDNIGHT + timedelta(minutes=draw(st.integers(-600, 600)))
    expiry = draw(st.sampled_from([None, None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)]))
    return Entry(
        start, draw(st.integers(1, 120)), draw(st.integers(0, 30)), draw(st.integers(0, 30)),
        Kind.HOLD if expiry else draw(st.sampled_from([Kind.BOOKING, Kind.BOOKING, Kind.TIME_OFF])), 1,
        draw(st.binary(min_size=12, max_size=12)), expiry, draw(st.none() | NEAR),
    )  # fmt: skip


def plainly_too_far(new: Entry, held: list[Entry], base: Point | None, roads: Roads) -> bool:
    """What `too_far` says, of everything that is held, day by day or not."""
    for other in held:
        if other.kind is Kind.TIME_OFF or (other.expires_at and other.expires_at <= NOW):
            continue
        here, other_point = new.point or base, other.point or base
        first, last = sorted((new, other), key=lambda entry: entry.blocks_from)
        if first.blocks_until + timedelta(minutes=roads.minutes(here, other_point)) > last.blocks_from:
            return True
    return False


@settings(max_examples=examples(300))
@given(st.lists(entries(), max_size=6, unique_by=lambda e: e.reference), st.none() | NEAR, st.integers(2, 60))
def test_whoever_cannot_get_there_is_refused_and_nobody_else_also_across_midnight_and_the_week(
    entries: list[Entry], base: Point | None, speed: int
) -> None:
    roads = Roads(Travel(speed_kmh=speed))
    calendar = Calendar(CalendarOwner("com", "bra", "ada"), base=base)
    held: list[Entry] = []
    for entry in entries:
        if entry.kind is Kind.TIME_OFF and entry.point:
            continue
        overlaps = any(entry.clashes(other, NOW) for other in held)
        if overlaps:
            continue
        if entry.kind is not Kind.TIME_OFF:
            expected = plainly_too_far(entry, held, base, roads)
            assert too_far(calendar, entry, roads, NOW) == expected
            bits = travelling(calendar, entry.point or base, roads, FRAME, NOW)
            first, last = (minute_of(at) - FRAME.origin for at in (entry.blocks_from, entry.blocks_until))
            assert bool(bits >> first & (1 << last - first) - 1) == expected
            if expected:
                continue
        calendar = calendar.with_entries([entry], NOW)
        held.append(entry)
    for entry in held:
        gone = calendar.without([entry.reference], entry.days_in_reach()).locations
        assert all(one.reference != entry.reference for one in locations.locations_of(gone))


@given(entries(), entries())
def test_two_that_matter_to_each_other_share_a_day_that_both_swap(left: Entry, right: Entry) -> None:
    if left.kind is Kind.TIME_OFF or right.kind is Kind.TIME_OFF or not (left.point or right.point):
        return
    written = [set(one.days()) | set(one.days_in_reach()) for one in (left, right)]
    apart = max(left.blocks_from, right.blocks_from) - min(left.blocks_until, right.blocks_until)
    if apart < timedelta(minutes=LONGEST_MIN):
        assert written[0] & written[1]


def says_ninety(legs: list[Leg]) -> list[int | None]:
    """A provider who does not know the way to Paris."""
    if len(legs) > 4:
        raise Unavailable("roads_busy", "Ask later.")
    return [None if PARIS in leg else 90 for leg in legs]


def test_a_provider_is_named_asked_once_and_stood_in_for(monkeypatch: pytest.MonkeyPatch) -> None:
    legs = [(MITTE, POTSDAM), (MITTE, PARIS)]
    assert travel_time.known(legs) == {}
    monkeypatch.setenv("PILOT_TRAVEL_PROVIDER", f"{__name__}:says_ninety")
    house.cache_clear()
    travel_time.forget()
    try:
        assert travel_time.known(legs) == {(MITTE, POTSDAM): 90}
        assert Roads(known=travel_time.known(legs)).minutes(MITTE, PARIS) == LONGEST_MIN
        many = list(combinations([point(n, n) for n in range(5)], 2))
        assert travel_time.known(many) == {}
        assert travel_time.known([(MITTE, POTSDAM), *many[:3]])[MITTE, POTSDAM] == 90
    finally:
        house.cache_clear()
        travel_time.forget()
