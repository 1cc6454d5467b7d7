"""Limits as the peers have them: periods of the calendar that are full, and how far ahead may be booked."""

from collections.abc import Container, Iterable, Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.engine.clocks import day_start, weekday
from chalicelib.booking.engine.windows import Window

Unit = Literal["day", "week", "month", "year"]
FURTHEST_WINDOW = 61
"""How many days a rolling window looks ahead for bookable ones."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """How far ahead may be booked.

    "rolling": until the end of the day `days` ahead, by the viewer's clock; "rolling_window": as many days on which
    something is free; "range": the local days `first` to `last` of the staff. Not `calendar_days`: weekends are not
    counted.
    """

    kind: Literal["rolling", "rolling_window", "range"]
    days: int = 0
    calendar_days: bool = True
    first: int = 0
    last: int = 0

    def bounds(self, today: int, zone: str, viewer: str, bookable: Container[int]) -> Window:
        """From and until when may be booked, `today` being the viewer's; UTC minutes."""
        if self.kind == "range":
            return day_start(zone, self.first), day_start(zone, self.last + 1)
        if self.kind == "rolling":
            last = days_ahead(today, self.days, self.calendar_days)
        else:
            last = window_end(today, self.days, self.calendar_days, bookable)
        return 0, day_start(viewer, last + 1)


def days_ahead(day: int, count: int, calendar_days: bool) -> int:
    """The day `count` days later, weekends counted or not."""
    for _ in range(count):
        day = _next(day, calendar_days)
    return day


def window_end(today: int, needed: int, calendar_days: bool, bookable: Container[int]) -> int:
    """The day by which `needed` bookable days have passed, or the last that is one; at most 61 days are looked at."""
    last, day = None, today
    for _ in range(FURTHEST_WINDOW):
        if needed <= 0:
            break
        if day in bookable:
            needed -= 1
            last = day
        day = _next(day, calendar_days)
    return day if last is None else last


def full(
    limits: Mapping[Unit, int], taken: Iterable[tuple[int, int]], adds: int, zone: str, days: Window
) -> list[Window]:
    """The periods of the local `days` (first and last) that one more booking would overfill.

    `taken`: the local day on which each booking starts, and what it counts (1, or its minutes); `adds`: what the new
    one would count.
    """
    counted = list(taken)
    found = []
    for unit, most in limits.items():
        day = days[0]
        while most and day <= days[1]:
            begins, ends = period_of(unit, day)
            if adds + sum(amount for at, amount in counted if begins <= at < ends) > most:
                found.append((day_start(zone, begins), day_start(zone, ends)))
            day = ends
    return found


def period_of(unit: Unit, day: int) -> Window:
    """The days of the period in which a day lies, the last excluded; weeks start on Sunday."""
    if unit == "day":
        return day, day + 1
    if unit == "week":
        sunday = day - (weekday(day) + 1) % 7
        return sunday, sunday + 7
    at = date.fromordinal(day)
    if unit == "month":
        following = (at.replace(day=1) + timedelta(days=31)).replace(day=1)
        return at.replace(day=1).toordinal(), following.toordinal()
    return date(at.year, 1, 1).toordinal(), date(at.year + 1, 1, 1).toordinal()


def _next(day: int, calendar_days: bool) -> int:
    day += 1
    while not calendar_days and weekday(day) > 4:
        day += 1
    return day
