"""Whether there is time for the legs between what a calendar holds and one more appointment; pure."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import AWAY, DAY_BYTES, Days, Entry, entries_of, times_of
from chalicelib.booking.calendar.locations import AppointmentLocation, locations_of, spans_of
from chalicelib.booking.engine.clocks import DAY, MINUTE, minute_of
from chalicelib.booking.engine.hours import Hours, by_day
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window, overlaps
from chalicelib.booking.practice.geo import Point, Roads

if TYPE_CHECKING:
    from chalicelib.booking.engine.query import Frame


def too_far(calendar: Calendar, entry: Entry, roads: Roads, now: datetime) -> bool:
    """Whether the leg between the entry and another appointment of the calendar takes longer than there is time."""
    if entry.point is None and not calendar.locations:
        return False
    here, around = entry.point or calendar.base, entry.days_in_reach()
    away = locations_of({day: calendar.locations[day] for day in around if day in calendar.locations})
    # A location reaches into the days of whatever it matters to; what is at the base matters to nothing else there.
    at_base = {day: calendar.days[day] for day in around if day in calendar.days} if entry.point else {}
    return any(
        entry.blocks_from < other.end + roads.minutes(other.point, here) * MINUTE
        and other.start < entry.blocks_until + roads.minutes(here, other.point) * MINUTE
        for other in (*away, *_at_base(at_base, calendar.base, {one.reference for one in away}))
        if other.lasts(now)
    )


def travelling(calendar: Calendar, here: Point | None, roads: Roads, frame: "Frame", now: datetime) -> int:
    """A bitmap of the frame: the minutes in which nothing at `here` fits, for the legs to whatever else there is.

    What is taken itself is not in it.
    """
    # A search of a month looks at every entry of everybody: minutes, and a day of bits at a time, not instants.
    chunks = [0] * frame.days
    legs: dict[Point | None, tuple[int, int]] = {}
    for start, end, point in _spans(calendar, frame, int(now.timestamp()) // 60, with_base=here != calendar.base):
        if point not in legs:
            out = roads.minutes(here, point)
            legs[point] = out, (roads.minutes(point, here) if roads.known else out)
        out, back = legs[point]
        if out or back:
            _mark(chunks, start - out, start)
            _mark(chunks, end, end + back)
    return int.from_bytes(b"".join(chunk.to_bytes(DAY_BYTES, "little") for chunk in chunks), "little")


def commute(hours: Hours, first: int, last: int, spec: SlotSpec, legs: tuple[int, int]) -> list[Window]:
    """What of the hours on local days is no time for an appointment, for the legs from home and back; UTC minutes.

    The legs are those of an appointment that is the only one of its day: what else is booked may be cancelled.
    """
    out, back = legs
    found: list[Window] = []
    for _, windows in by_day(hours, first, last):
        opens, closes = min(start for start, _ in windows), max(end for _, end in windows)
        if out:
            found.append((opens, opens + out + spec.before))
        if back:
            found.append((closes - back - spec.after, closes))
    return found


def within_hours(hours: Hours, entry: Entry, legs: tuple[int, int]) -> bool:
    """Whether the legs from home and back lie in working hours too."""
    start, ordinal = minute_of(entry.start), entry.start.date().toordinal()
    spec = SlotSpec(duration=entry.length_min, step=1, before=entry.before_min, after=entry.after_min)
    return not overlaps((start, start + entry.length_min), commute(hours, ordinal - 2, ordinal + 2, spec, legs))


def _at_base(days: Days, base: Point | None, away: set[bytes]) -> list[AppointmentLocation]:
    """What takes place where the calendar is at home; time off is spent nowhere."""
    return [
        AppointmentLocation(entry.blocks_from, entry.blocks_until, base, entry.reference, entry.expires_at)
        for entry in entries_of(days)
        if entry.kind not in AWAY and entry.reference not in away
    ]


def _spans(calendar: Calendar, frame: "Frame", now: int, *, with_base: bool) -> set[tuple[int, int, Point | None]]:
    """Start and end of all that still holds, in minutes of the frame, and where it takes place."""
    found: set[tuple[int, int, Point | None]] = set()
    away: set[bytes] = set()
    dates = [date.fromordinal(frame.first + number) for number in range(frame.days)]
    for number, day in enumerate(dates):
        for first, last, expiry, reference, point in spans_of(calendar.locations.get(day, b"")):
            away.add(reference)
            if not expiry or expiry > now:
                found.add((number * DAY + first, number * DAY + last, point))
    for number, day in enumerate(dates if with_base else ()):
        for first, last, kind, expiry, reference in times_of(calendar.days.get(day, b"")):
            if kind not in AWAY and reference not in away and (not expiry or expiry > now):
                found.add((number * DAY + first, number * DAY + last, calendar.base))
    return found


def _mark(chunks: list[int], start: int, end: int) -> None:
    start, end = max(start, 0), min(end, len(chunks) * DAY)
    while start < end:
        number, first = divmod(start, DAY)
        last = min(end - number * DAY, DAY)
        chunks[number] |= (1 << last) - (1 << first)
        start = number * DAY + last
