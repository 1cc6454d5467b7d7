"""Schedule expressions of EventBridge: `rate(5 minutes)` and `cron(40 3 ? * MON-FRI *)`, in UTC.

PyPI's parsers of AWS's dialect (pyawscron, aws-croniter) are each one person's and idle, so this reads the part in use:
lists, ranges, steps and names. `L`, `W` and `#` are refused by name.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
LONGEST_SEARCH_DAYS = 366 * 8
"""29 February is at most eight years away."""


class Schedule(Protocol):
    """When something runs."""

    def after(self, instant: datetime) -> datetime | None:
        """The first run after `instant` (aware, UTC); None when there is none."""


@dataclass(frozen=True)
class Rate:
    """Every `period`."""

    period: timedelta

    def after(self, instant: datetime) -> datetime | None:
        """One period later."""
        return instant + self.period


@dataclass(frozen=True)
class Cron:
    """At every minute whose parts are in all six sets. Days of the week count from Sunday = 1, as AWS counts."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def after(self, instant: datetime) -> datetime | None:
        """The first whole minute after `instant` that fits."""
        first = (instant + timedelta(minutes=1)).replace(second=0, microsecond=0)
        day = first.replace(hour=0, minute=0)
        for _ in range(LONGEST_SEARCH_DAYS):
            if self._fits(day):
                times = (day.replace(hour=h, minute=m) for h in sorted(self.hours) for m in sorted(self.minutes))
                found = next((time for time in times if time >= first), None)
                if found:
                    return found
            day += timedelta(days=1)
        return None

    def _fits(self, day: datetime) -> bool:
        return (
            day.year in self.years
            and day.month in self.months
            and day.day in self.days
            and day.isoweekday() % 7 + 1 in self.weekdays
        )


def parse(expression: str) -> Schedule:
    """The schedule that `expression` means; raises ValueError, also for what only AWS understands."""
    rate = RATE.fullmatch(expression)
    if rate and int(rate[1]):
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}))
    cron = CRON.fullmatch(expression)
    if not cron:
        raise ValueError(f"Not a schedule: {expression!r}. Examples: rate(5 minutes), cron(40 3 * * ? *).")
    if (cron[3] == "?") == (cron[5] == "?"):
        raise ValueError(f"{expression}: exactly one of day-of-month and day-of-week is `?`.")
    return Cron(
        minutes=_values(cron[1], 0, 59),
        hours=_values(cron[2], 0, 23),
        days=_values(cron[3], 1, 31),
        months=_values(cron[4], 1, 12, MONTHS),
        weekdays=_values(cron[5], 1, 7, DAYS),
        years=_values(cron[6], 1970, 2199),
    )


def _values(field: str, least: int, most: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, dash, high = span.partition("-")
        first = least if span in ("*", "?") else _number(low, least, most, names)
        last = _number(high, least, most, names) if dash else most if span in ("*", "?") or step else first
        found |= set(range(first, last + 1, _number(step, 1, most, ()) if step else 1))
    return frozenset(found)


def _number(text: str, least: int, most: int, names: tuple[str, ...]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + least
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is not from {least} to {most} (L, W and # are not read here).")
    return int(text)
