"""Hours of a place or a person, on a clock of their own: a weekly pattern, dates that differ, closures."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from chalicelib.booking.engine.clocks import instant, moment_of
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.windows import common, continuous, without
from chalicelib.core.errors import invalid

DAY_MINUTES = 1440
Minute = Annotated[int, msgspec.Meta(ge=0, le=2880)]
"""A minute of the local clock, counted from midnight; over 1440 is the day after."""
Minutes = tuple[int, int]
"""From one minute of the local clock to another."""
Interval = tuple[datetime, datetime]
"""UTC, half open."""
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
"""Dates that hours may name: every one of them is laid out with its neighbours."""
LONGEST_CLOSURE = 731


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
    return moment_of(instant(clock.key, day.toordinal(), minute))


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """Weekly hours, dates that differ, and dates on which all is shut unless they have hours of their own."""

    weekly: tuple[Window, ...]
    exceptions: tuple[DayHours, ...] = ()
    closures: tuple[Closure, ...] = ()
    closed: tuple[date, ...] = ()

    def spans(self, day: date) -> list[Span]:
        """What begins on the date: its own hours where it has any, else the weekly ones, unless it is closed."""
        for exception in self.exceptions:
            if exception.on == day:
                return list(exception.spans)
        closed = day in self.closed or any(one.first <= day <= one.last for one in self.closures)
        return [Span(one.start, one.end) for one in self.weekly if one.day == day.weekday() and not closed]

    def dates(self) -> set[date]:
        """The dates that are not like every week."""
        closed = {
            one.first + timedelta(days=n) for one in self.closures for n in range((one.last - one.first).days + 1)
        }
        return closed | {*self.closed, *(day.on for day in self.exceptions)}


@lru_cache(maxsize=1024)
def engine_hours(zone: str, mine: Pattern, within: Pattern | None = None, breaks: tuple[Window, ...] = ()) -> Hours:
    """The engine's hours of a pattern, within another one's and without the breaks.

    Kept, so that staff with the same hours share one object, by which the engine knows them as the same.
    """
    special = {day + timedelta(days=n) for one in (mine, within) if one for day in one.dates() for n in (-1, 0, 1)}
    usual = date(2024, 1, 1)  # a Monday; the week around it has no date of its own
    plain = [Pattern(weekly=one.weekly) if one else None for one in (mine, within)]
    assert plain[0] is not None
    week = tuple(tuple(_windows(usual + timedelta(days=n), plain[0], plain[1], breaks)) for n in range(7))
    overrides = tuple((day.toordinal(), tuple(_windows(day, mine, within, breaks))) for day in sorted(special))
    return Hours(zone=zone, weekly=week, overrides=overrides, exact=True)


def _windows(day: date, mine: Pattern, within: Pattern | None, breaks: tuple[Window, ...]) -> list[Minutes]:
    # In minutes of the local day: what the day before runs over midnight is below nought, the day after beyond 1440.
    found = [(span.start, span.end) for span in mine.spans(day)]
    if within is not None:
        found = common([found, continuous(_around(day, within))])
    return without(found, _around(day, Pattern(weekly=breaks)))


def _around(day: date, pattern: Pattern) -> list[Minutes]:
    return [
        (span.start + shift * DAY_MINUTES, span.end + shift * DAY_MINUTES)
        for shift in (-1, 0, 1)
        for span in pattern.spans(day + timedelta(days=shift))
    ]


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
    _check_dates([day.on for day in ordered], path)
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
    """The closures in order; raises Invalid about `path` for one that ends before it begins, or lasts for years."""
    if any(closure.last < closure.first for closure in closures):
        raise invalid(path, "empty_range", "A closure ends on the day it begins or later.")
    _check_dates([day for closure in closures for day in (closure.first, closure.last)], path)
    if any((closure.last - closure.first).days >= LONGEST_CLOSURE for closure in closures):
        raise invalid(path, "too_long", "A closure lasts two years at most; delete what stays closed.")
    return tuple(sorted(closures, key=lambda closure: (closure.first, closure.last)))


def _check_dates(days: Iterable[date], path: str) -> None:
    if not all(EARLIEST <= day <= LATEST for day in days):
        raise invalid(path, "out_of_range", f"Give dates from {EARLIEST} to {LATEST}.")
