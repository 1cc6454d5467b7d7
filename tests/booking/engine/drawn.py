"""Schedules, bookings and zones as hypothesis draws them: near changes of the clock, leap days, skipped days."""

from datetime import date

from hypothesis import strategies as st

from chalicelib.booking.engine.clocks import day_start
from chalicelib.booking.engine.hours import Hours, Travel
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window

PLACES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2023, 11, 5)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight is skipped
    ("America/Sao_Paulo", date(2018, 2, 18)),  # the hour before midnight comes twice
    ("Asia/Beirut", date(2022, 3, 27)),
    ("America/Havana", date(2024, 3, 10)),
    ("Australia/Lord_Howe", date(2024, 10, 6)),  # half an hour
    ("Pacific/Apia", date(2011, 12, 30)),  # the whole day is skipped
    ("Asia/Kathmandu", date(2024, 2, 29)),
    ("UTC", date(2028, 2, 29)),
]


@st.composite
def windows(draw: st.DrawFn, longest: int = 2000) -> tuple[tuple[int, int], ...]:
    found = []
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, 287)) * 5
        found.append((start, min(start + draw(st.integers(1, 240)) * 5, longest)))
    return tuple(sorted(found))


@st.composite
def hours(draw: st.DrawFn, zone: str, day: int) -> Hours:
    near = st.integers(day - 1, day + 2)
    return Hours(
        zone=zone,
        weekly=tuple(draw(windows()) for _ in range(7)),
        overrides=tuple(sorted(draw(st.dictionaries(near, windows(), max_size=1)).items())),
        closed=draw(st.frozensets(near, max_size=1)),
        travel=draw(st.sampled_from([(), (Travel(day, day, "Asia/Tokyo"),)])),
    )


@st.composite
def slot_specs(draw: st.DrawFn) -> SlotSpec:
    return SlotSpec(
        duration=draw(st.integers(5, 180)),
        step=draw(st.sampled_from([5, 7, 10, 15, 20, 30, 45, 60, 90])),
        before=draw(st.integers(0, 40)),
        after=draw(st.integers(0, 40)),
        alignment=draw(st.sampled_from(["rounded", "opening", "gap"])),
        offset=draw(st.sampled_from([0, 0, 5])),
    )


@st.composite
def bookings(draw: st.DrawFn, zone: str, day: int) -> list[Window]:
    midnight = day_start(zone, day)
    found = []
    for _ in range(draw(st.integers(0, 6))):
        start = midnight + draw(st.integers(-300, 2880))
        before, after = draw(st.integers(0, 30)), draw(st.integers(0, 30))
        end = start + draw(st.integers(5, 240))
        found.append((start - before, end + after))
    return found
