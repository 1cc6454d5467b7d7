"""Recurrence rules of RFC 5545, as far as whole days go: reading one, and the dates it falls on.

Each date is looked at once, so a rule costs what its two years of days cost, whatever it says. (A library that looks
for the next match searches to the year 9999 for a 30 February.) What depends on the time of day is refused.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import Literal

import msgspec

from chalicelib.core.errors import Invalid, invalid

Freq = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQS: tuple[Freq, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_IN_COUNT = 9999
_BY_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}")
_LISTS: dict[str, tuple[str, int, tuple[Freq, ...]]] = {
    "BYMONTH": ("by_month", 12, FREQS),
    "BYMONTHDAY": ("by_month_day", 31, ("DAILY", "MONTHLY", "YEARLY")),
    "BYYEARDAY": ("by_year_day", 366, ("YEARLY",)),
    "BYWEEKNO": ("by_week_no", 53, ("YEARLY",)),
    "BYSETPOS": ("by_set_pos", 366, FREQS),
}
"""Lists of numbers: the field of `Rule` that each becomes, its highest number, and the frequencies it goes with."""
_KNOWN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_LISTS}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of dates. `by_day`: ordinal (0: every) and weekday (0 = Monday); `week_start`: a weekday.

    `count` and `until` as the text had them: `until` is a date or a time, with or without a Z.
    """

    freq: Freq
    interval: int = 1
    week_start: int = 0
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_set_pos: tuple[int, ...] = ()
    count: int | None = None
    until: str | None = None

    def dates(self, first: date, last: date) -> Iterator[date]:
        """The dates from `first`, which begins the rule's first period, until `last`, both included."""
        named = self._named(first)
        # A position in a period counts from the period's own beginning and end, which may lie outside.
        beyond = 366 if self.by_set_pos else 0
        around = (first + timedelta(days=n) for n in range(-beyond, (last - first).days + 1 + beyond))
        period = {day: self._period(day, first) for day in around}
        fitting = (day for day, number in period.items() if number >= 0 == number % self.interval and named(day))
        if not self.by_set_pos:
            yield from fitting
            return
        for _, grouped in groupby(fitting, lambda day: period[day]):
            found = list(grouped)
            positions = {number - 1 if number > 0 else len(found) + number for number in self.by_set_pos}
            yield from (day for n, day in enumerate(found) if n in positions and first <= day <= last)

    def _period(self, day: date, first: date) -> int:
        """How many days, weeks, months or years after the one of `first` it lies."""
        if self.freq == "DAILY":
            return (day - first).days
        if self.freq == "WEEKLY":
            return (self._week(day) - self._week(first)).days // 7
        months = (day.year - first.year) * 12 + day.month - first.month
        return months if self.freq == "MONTHLY" else day.year - first.year

    def _week(self, day: date) -> date:
        return day - timedelta(days=(day.weekday() - self.week_start) % 7)

    def _named(self, first: date) -> Callable[[date], bool]:
        """Whether a date is one that the rule names; what it leaves open follows from its first date."""
        implied: dict[str, object] = {}
        if not (self.by_month_day or self.by_year_day or self.by_day):
            if self.freq == "WEEKLY" or self.by_week_no:
                implied = {"by_day": ((0, first.weekday()),)}
            elif self.freq != "DAILY":
                implied = {"by_month_day": (first.day,)}
                if self.freq == "YEARLY":
                    implied["by_month"] = self.by_month or (first.month,)
        return msgspec.structs.replace(self, **implied).names

    def names(self, day: date) -> bool:
        """Whether the parts that are given name the date; `_named` fills in those left open."""
        in_month, in_year = _length(day, "month"), _length(day, "year")
        of_year = day.timetuple().tm_yday
        return (
            (not self.by_month or day.month in self.by_month)
            and (not self.by_month_day or not {day.day, day.day - in_month - 1}.isdisjoint(self.by_month_day))
            and (not self.by_year_day or not {of_year, of_year - in_year - 1}.isdisjoint(self.by_year_day))
            and (not self.by_week_no or self._in_weeks(day))
            and (not self.by_day or self._on_weekdays(day))
        )

    def _on_weekdays(self, day: date) -> bool:
        # Ordinals count within the month where the rule is about months, else within the year.
        monthly = self.freq == "MONTHLY" or bool(self.by_month)
        number = day.day if monthly else day.timetuple().tm_yday
        left = _length(day, "month" if monthly else "year") - number
        ordinals = {0, (number - 1) // 7 + 1, -(left // 7 + 1)}
        return any(weekday == day.weekday() and ordinal in ordinals for ordinal, weekday in self.by_day)

    def _in_weeks(self, day: date) -> bool:
        # Week 1 is the first with four days in the year; the days at a year's edges may be in a neighbour's week.
        firsts = [self._week(date(year, 1, 4)) for year in range(day.year - 1, day.year + 3)]
        start, end = next((first, end) for first, end in pairwise(firsts) if day < end)
        number = (day - start).days // 7 + 1
        return not {number, number - (end - start).days // 7 - 1}.isdisjoint(self.by_week_no)


def _length(day: date, of: Literal["month", "year"]) -> int:
    if of == "year":
        return (date(day.year + 1, 1, 1) - date(day.year, 1, 1)).days
    following = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return (following - day.replace(day=1)).days


def parse(text: str, path: str) -> Rule:
    """The rule in a text such as `FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH`; raises Invalid about `path` with what is wrong.

    A leading `RRULE:` is allowed. Not DTSTART, EXDATE and the like, nor hours, minutes and seconds.
    """
    body = text.strip().upper().removeprefix("RRULE:").rstrip(";")
    parts: dict[str, str] = {}
    for part in body.split(";"):
        name, given, value = part.partition("=")
        if not given or not value or name in parts:
            raise _wrong(path, f"{part!r} is not a part of a rule, or comes twice; write FREQ=WEEKLY;BYDAY=TU,TH.")
        if name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            raise _wrong(path, f"{name} is not taken: all occurrences have the time of the first.")
        if name not in _KNOWN:
            raise _wrong(path, f"{name} is no part of a rule.")
        parts[name] = value
    freq = next((each for each in FREQS if each == parts.get("FREQ")), None)
    if freq is None:
        raise _wrong(path, "FREQ is DAILY, WEEKLY, MONTHLY or YEARLY; nothing recurs within a day.")
    return _rule(freq, parts, path)


def _rule(freq: Freq, parts: dict[str, str], path: str) -> Rule:
    lists = {name: _numbers(name, parts[name], path) for name in _LISTS if name in parts}
    for name in lists:
        if freq not in _LISTS[name][2]:
            raise _wrong(path, f"{name} does not go with FREQ={freq}.")
    if lists.keys() == {"BYSETPOS"} and "BYDAY" not in parts:
        raise _wrong(path, "BYSETPOS chooses among what another BY part names.")
    if parts.get("WKST", "MO") not in WEEKDAYS:
        raise _wrong(path, "WKST is a weekday such as MO.")
    ordinals = freq in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts
    return Rule(
        freq=freq,
        interval=_positive("INTERVAL", parts.get("INTERVAL", "1"), path),
        week_start=WEEKDAYS.index(parts.get("WKST", "MO")),
        by_day=_by_day(parts["BYDAY"], path, ordinals=ordinals) if "BYDAY" in parts else (),
        count=_positive("COUNT", parts["COUNT"], path) if "COUNT" in parts else None,
        until=parts.get("UNTIL"),
        **{_LISTS[name][0]: numbers for name, numbers in lists.items()},
    )


def _positive(name: str, value: str, path: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 0
    if not 1 <= number <= MOST_IN_COUNT:
        raise _wrong(path, f"{name} is a number from 1 to {MOST_IN_COUNT}.")
    return number


def _numbers(name: str, value: str, path: str) -> tuple[int, ...]:
    most = _LISTS[name][1]
    least = 1 if name == "BYMONTH" else -most
    given = value.split(",")
    found = tuple(int(one) for one in given if _NUMBER.fullmatch(one))
    if len(found) < len(given) or any(number == 0 or not least <= number <= most for number in found):
        raise _wrong(path, f"{name} has numbers from {least} to {most} but 0, separated by commas.")
    return found


def _by_day(value: str, path: str, *, ordinals: bool) -> tuple[tuple[int, int], ...]:
    matches = [_BY_DAY.fullmatch(one) for one in value.split(",")]
    found = tuple((int(match[1]) if match[1] else None, WEEKDAYS.index(match[2])) for match in matches if match)
    if len(found) < len(matches) or any(ordinal is not None and not 1 <= abs(ordinal) <= 53 for ordinal, _ in found):
        raise _wrong(path, "BYDAY has weekdays such as MO,WE, in months and years also 1MO or -1FR.")
    if not ordinals and any(ordinal for ordinal, _ in found):
        raise _wrong(path, "Only in months and years is there a first or last weekday.")
    return tuple((ordinal or 0, weekday) for ordinal, weekday in found)


def _wrong(path: str, sentence: str) -> Invalid:
    return invalid(path, "bad_rule", sentence)
