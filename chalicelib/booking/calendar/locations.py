"""Where a calendar's appointments take place, when that is not where it is at home; and who is under way when. Pure.

A stop lies in every UTC day that its reach touches: its footprint and the longest way that is reckoned with on both
sides. It says all that matters of it: times, place, expiry. Whoever books compares-and-swaps entries and stops of every
day in his own reach, so of two appointments too close for the way between them one is told to read again, also across
midnight, and also where the other one has no stop.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.calendar.entries import AWAY, DAY_BYTES, DAY_MINUTES, MINUTE, Days, Entry, entries_of, times_of
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.engine.hours import Hours, by_day
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window, overlaps
from chalicelib.booking.practice.geo import Point, Roads

if TYPE_CHECKING:
    from chalicelib.booking.engine.query import Frame

_PACKED = struct.Struct(">hhI12sii")
"""First minute of the footprint from the day's midnight and the minute after its last, expiry (minutes since 1970, 0:
never), reference, latitude, longitude: 28 bytes."""
DayLocations = Mapping[date, bytes]
"""The packed stops of each UTC day of one calendar; mostly none."""


class AppointmentLocation(msgspec.Struct, frozen=True):
    """A time spent at a place, buffers included; None: where the calendar is at home."""

    start: datetime
    end: datetime
    point: Point | None
    reference: bytes
    expires_at: datetime | None = None

    def lasts(self, now: datetime) -> bool:
        """Whether it still holds."""
        return self.expires_at is None or self.expires_at > now


def unpack(day: date, packed: bytes) -> list[AppointmentLocation]:
    """The stops of one day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = []
    for first, last, expiry, reference, latitude, longitude in _PACKED.iter_unpack(packed):
        expires = datetime.fromtimestamp(expiry * 60, UTC) if expiry else None
        where = Point(latitude, longitude)
        found.append(
            AppointmentLocation(midnight + first * MINUTE, midnight + last * MINUTE, where, reference, expires)
        )
    return found


def with_entry(stops: DayLocations, entry: Entry, now: datetime) -> dict[date, bytes]:
    """The days that change when `entry` is added; none when it takes place at home."""
    if entry.point is None:
        return {}
    stop = AppointmentLocation(entry.blocks_from, entry.blocks_until, entry.point, entry.reference, entry.expires_at)
    return {
        day: _pack(day, [*(s for s in unpack(day, stops.get(day, b"")) if s.lasts(now)), stop])
        for day in entry.days_in_reach()
    }


def without_reference(stops: DayLocations, reference: bytes, touched: Iterable[date]) -> dict[date, bytes]:
    """The days of `touched` that change when everything with this reference is removed."""
    changed = {}
    for day in touched:
        packed = stops.get(day, b"")
        kept = _pack(day, [stop for stop in unpack(day, packed) if stop.reference != reference])
        if kept != packed:
            changed[day] = kept
    return changed


def points_of(stops: DayLocations) -> set[Point]:
    """Every place there is a stop at."""
    found = (stop.point for day, packed in stops.items() for stop in unpack(day, packed))
    return {point for point in found if point is not None}


def stays(
    days: Days, stops: DayLocations, base: Point | None, now: datetime, but: bytes = b""
) -> Iterator[AppointmentLocation]:
    """Every time spent somewhere, at stops and at home (`base`), that still holds; but the one with reference `but`.

    Time off is spent nowhere. What takes place at home counts only in days that were read with its entries.
    """
    placed = list(dict.fromkeys(stop for day, packed in stops.items() for stop in unpack(day, packed)))
    references = {stop.reference for stop in placed}
    at_home = (
        AppointmentLocation(entry.blocks_from, entry.blocks_until, base, entry.reference, entry.expires_at)
        for entry in entries_of(days)
        if entry.kind not in AWAY and entry.reference not in references
    )
    return (stop for stop in (*placed, *at_home) if stop.reference != but and stop.lasts(now))


def too_far(
    days: Days, stops: DayLocations, base: Point | None, entry: Entry, roads: Roads, now: datetime, but: bytes = b""
) -> bool:
    """Whether the way between the entry and another appointment of the calendar takes longer than there is time."""
    if entry.point is None and not stops:
        return False
    here, around = entry.point or base, entry.days_in_reach()
    # A stop reaches into the days of whatever it matters to; what takes place at home matters to nothing else there.
    at_home = {day: days[day] for day in around if day in days} if entry.point else {}
    away = {day: stops[day] for day in around if day in stops}
    return any(
        entry.blocks_from < stay.end + roads.minutes(stay.point, here) * MINUTE
        and stay.start < entry.blocks_until + roads.minutes(here, stay.point) * MINUTE
        for stay in stays(at_home, away, base, now, but)
    )


def travelling(
    days: Days, stops: DayLocations, base: Point | None, here: Point | None, roads: Roads, frame: "Frame", now: datetime
) -> int:
    """A bitmap of the frame: the minutes in which nothing at `here` fits, for the ways to whatever else there is.

    What is taken itself is not in it.
    """
    # A search of a month looks at every entry of everybody: minutes, and a day of bits at a time, not instants.
    chunks = [0] * frame.days
    ways: dict[Point | None, tuple[int, int]] = {}
    at_home = {} if here == base else days
    for start, end, where in _minutes(at_home, stops, base, frame, int(now.timestamp()) // 60):
        if where not in ways:
            there = roads.minutes(here, where)
            ways[where] = there, (roads.minutes(where, here) if roads.known else there)
        there, back = ways[where]
        if there or back:
            _mark(chunks, start - there, start)
            _mark(chunks, end, end + back)
    return int.from_bytes(b"".join(chunk.to_bytes(DAY_BYTES, "little") for chunk in chunks), "little")


def _minutes(
    days: Days, stops: DayLocations, base: Point | None, frame: "Frame", now: int
) -> set[tuple[int, int, Point | None]]:
    """Start and end of every stay that still holds, in minutes of the frame, and where it is spent."""
    found: set[tuple[int, int, Point | None]] = set()
    placed: set[bytes] = set()
    for number in range(frame.days):
        day, midnight = date.fromordinal(frame.first + number), number * DAY_MINUTES
        for first, last, expiry, reference, latitude, longitude in _PACKED.iter_unpack(stops.get(day, b"")):
            placed.add(reference)
            if not expiry or expiry > now:
                found.add((midnight + first, midnight + last, Point(latitude, longitude)))
    for number in range(frame.days):
        midnight = number * DAY_MINUTES
        for first, last, kind, expiry, reference in times_of(days.get(date.fromordinal(frame.first + number), b"")):
            if kind not in AWAY and reference not in placed and (not expiry or expiry > now):
                found.add((midnight + first, midnight + last, base))
    return found


def _mark(chunks: list[int], start: int, end: int) -> None:
    start, end = max(start, 0), min(end, len(chunks) * DAY_MINUTES)
    while start < end:
        number, first = divmod(start, DAY_MINUTES)
        last = min(end - number * DAY_MINUTES, DAY_MINUTES)
        chunks[number] |= (1 << last) - (1 << first)
        start = number * DAY_MINUTES + last


def commute(hours: Hours, first: int, last: int, ask: SlotSpec, there: int, back: int) -> list[Window]:
    """What of the hours on local days is no time for `ask`, for the ways from home and back; in minutes since 1970.

    The ways are those of an appointment that is the only one of its day: what else is booked may be cancelled.
    """
    found: list[Window] = []
    for _, windows in by_day(hours, first, last):
        opens, closes = min(start for start, _ in windows), max(end for _, end in windows)
        if there:
            found.append((opens, opens + there + ask.before))
        if back:
            found.append((closes - back - ask.after, closes))
    return found


def within_day(hours: Hours, entry: Entry, there: int, back: int) -> bool:
    """Whether the ways from home and back lie in working hours too."""
    start, ordinal = minute_of(entry.start), entry.start.date().toordinal()
    ask = SlotSpec(duration=entry.length_min, step=1, before=entry.before_min, after=entry.after_min)
    shut = commute(hours, ordinal - 2, ordinal + 2, ask, there, back)
    return not overlaps((start, start + entry.length_min), shut)


def _pack(day: date, stops: Iterable[AppointmentLocation]) -> bytes:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ordered = sorted(stops, key=lambda stop: (stop.start, stop.reference))
    packed = []
    for stop in ordered:
        assert stop.point, "what takes place at home is no stop"
        first, last = (stop.start - midnight) // MINUTE, (stop.end - midnight) // MINUTE
        expiry = int(stop.expires_at.timestamp()) // 60 if stop.expires_at else 0
        packed.append(_PACKED.pack(first, last, expiry, stop.reference, stop.point.latitude, stop.point.longitude))
    return b"".join(packed)
