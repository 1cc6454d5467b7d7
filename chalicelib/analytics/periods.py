"""A range of days, and how little has to be read for it: days at its ends, whole months between."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import msgspec

from chalicelib.analytics.counters import Counters
from chalicelib.core.errors import invalid

DAY = timedelta(days=1)
BY_DAY = 62
"""A range of at most so many days is shown day by day, a longer one by months."""
LONGEST = 731
USUAL = 30
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)


class Range(msgspec.Struct, frozen=True):
    """From one local date to another, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def by_day(self) -> bool:
        """Whether its periods are days; months otherwise, the first and last of them perhaps cut short."""
        return self.days <= BY_DAY

    def dates(self) -> Iterable[date]:
        """Each of them."""
        return (self.first + timedelta(days=n) for n in range(self.days))

    def periods(self) -> list["Range"]:
        """Its days, or its months and the parts of months at its ends."""
        if self.by_day:
            return [Range(day, day) for day in self.dates()]
        found = []
        first = self.first
        while first <= self.last:
            last = min(next_month(first) - DAY, self.last)
            found.append(Range(first, last))
            first = last + DAY
        return found

    def whole_months(self) -> "Range | None":
        """The whole months of a long range."""
        first = self.first if self.first.day == 1 else next_month(self.first)
        last = self.last if (self.last + DAY).day == 1 else self.last.replace(day=1) - DAY
        return None if self.by_day or first > last else Range(first, last)

    def loose_days(self) -> list["Range"]:
        """What the whole months leave at its ends."""
        whole = self.whole_months()
        if whole is None:
            return [self]
        ends = (Range(self.first, whole.first - DAY), Range(whole.last + DAY, self.last))
        return [end for end in ends if end.days > 0]


class Period(msgspec.Struct, frozen=True):
    """What was counted in a day, a month or a part of one; with `searches` and `available` minutes where asked for.

    `unmeasured`: on how many of its days nobody wrote down what is available.
    """

    range: Range
    counters: Counters
    searches: int = 0
    available: int = 0
    unmeasured: int = 0


def next_month(day: date) -> date:
    """The first of the month after a day's."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def range_of(first: date | None, last: date | None, today: date) -> Range:
    """The range that a query asks for: the last thirty days unless it says more. Raises Invalid about `query.to`."""
    end = last or (max(today, first) if first else today)
    start = first or max(end, EARLIEST) - (USUAL - 1) * DAY
    if end < start:
        raise invalid("query.to", "empty_range", "The range ends on the day it begins or later.")
    if (end - start).days >= LONGEST:
        raise invalid("query.to", "range_too_long", f"At most {LONGEST} days at once.")
    if not EARLIEST <= start <= end <= LATEST:
        raise invalid("query.to", "out_of_range", f"Ask about days from {EARLIEST} to {LATEST}.")
    return Range(start, end)


def total(parts: Iterable[Mapping[str, int]]) -> Counters:
    """Their sum."""
    found: Counters = {}
    for counters in parts:
        for name, number in counters.items():
            found[name] = found.get(name, 0) + number
    return found
