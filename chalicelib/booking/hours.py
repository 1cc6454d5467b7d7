"""Hours of a place or a person, on a clock of their own: a weekly pattern, dates that differ, closures."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from chalicelib.core.errors import invalid

DAY_MINUTES = 1440
Minute = Annotated[int, msgspec.Meta(ge=0, le=2880)]
"""A minute of the local clock, counted from midnight; over 1440 is the day after."""
Interval = tuple[datetime, datetime]
"""UTC, half open."""


class Window(msgspec.Struct, frozen=True):
    """Open on `day` (0 = Monday) from minute `start` to `end` of the local clock; over 1440 is past midnight."""

    day: Annotated[int, msgspec.Meta(ge=0, le=6)]
    start: Minute
    end: Minute


class Span(msgspec.Struct, frozen=True):
    """From minute `start` to `end` of the local clock on some date."""

    start: Minute
    end: Minute


class DayHours(msgspec.Struct, frozen=True):
    """The hours of one date, in place of the weekly ones; no spans: closed."""

    on: date
    spans: tuple[Span, ...] = ()


class Closure(msgspec.Struct, frozen=True):
    """Closed from the date `first` to `last`, both included."""

    first: date
    last: date
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


def local_instant(day: date, minute: int, clock: ZoneInfo) -> datetime:
    """The instant at which the local clock shows `minute` of `day`, in UTC; a skipped minute is the jump itself."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    return wall.replace(tzinfo=clock).astimezone(UTC)


def spans_on(day: date, weekly: Iterable[Window], exceptions: Iterable[DayHours] = ()) -> list[Span]:
    """The spans that begin on `day`: those of its own where it has any, else the weekly ones."""
    for exception in exceptions:
        if exception.on == day:
            return list(exception.spans)
    return [Span(window.start, window.end) for window in weekly if window.day == day.weekday()]


def instants(day: date, spans: Iterable[Span], clock: ZoneInfo) -> list[Interval]:
    """The spans of a local date as intervals; one that a change of the clock swallows is left out."""
    found = [(local_instant(day, span.start, clock), local_instant(day, span.end, clock)) for span in spans]
    return sorted((start, end) for start, end in found if start < end)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as possible, so that hours which touch at midnight are one stretch."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def both(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What lies in both."""
    pairs = ((max(a, c), min(b, d)) for a, b in left for c, d in right)
    return sorted((start, end) for start, end in pairs if start < end)


def without(intervals: Sequence[Interval], holes: Iterable[Interval]) -> list[Interval]:
    """What is left of the intervals."""
    left = list(intervals)
    for first, last in holes:
        pieces = [piece for start, end in left for piece in ((start, min(end, first)), (max(start, last), end))]
        left = [(start, end) for start, end in pieces if start < end]
    return sorted(left)


def check_zone(zone: str, path: str) -> str:
    """The zone's own name; raises Invalid about `path` when there is no such IANA zone."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(path, "unknown_zone", f"{zone!r} is not an IANA time zone such as Europe/Berlin.") from None


def check_windows(windows: tuple[Window, ...], path: str) -> tuple[Window, ...]:
    """The windows in order; raises Invalid about `path` when one is empty or two overlap, also over midnight."""
    ordered = tuple(sorted(windows, key=lambda window: (window.day, window.start)))
    week = 7 * DAY_MINUTES
    placed = [(w.day * DAY_MINUTES + w.start, w.day * DAY_MINUTES + w.end) for w in ordered]
    for start, end in placed:
        if end <= start:
            raise invalid(path, "empty_window", "A window ends after it starts.")
    # The week is a circle: Sunday's night shift ends on Monday.
    again = [*placed, *((start + week, end + week) for start, end in placed[:1])]
    if any(end > following for (_, end), (following, _) in pairwise(again)):
        raise invalid(path, "overlapping_windows", "Windows do not overlap.")
    return ordered


def check_days(days: tuple[DayHours, ...], path: str) -> tuple[DayHours, ...]:
    """The dates in order; raises Invalid about `path` for a date given twice, and for empty or overlapping spans."""
    ordered = tuple(sorted(days, key=lambda day: day.on))
    if len({day.on for day in ordered}) < len(ordered):
        raise invalid(path, "date_twice", "Give each date once.")
    for day in ordered:
        spans = sorted(day.spans, key=lambda span: span.start)
        if any(span.end <= span.start for span in spans):
            raise invalid(path, "empty_window", f"{day.on}: a window ends after it starts.")
        if any(one.end > other.start for one, other in pairwise(spans)):
            raise invalid(path, "overlapping_windows", f"{day.on}: windows do not overlap.")
    return ordered


def check_closures(closures: tuple[Closure, ...], path: str) -> tuple[Closure, ...]:
    """The closures in order; raises Invalid about `path` for one that ends before it begins."""
    if any(closure.last < closure.first for closure in closures):
        raise invalid(path, "empty_range", "A closure ends on the day it begins or later.")
    return tuple(sorted(closures, key=lambda closure: (closure.first, closure.last)))
