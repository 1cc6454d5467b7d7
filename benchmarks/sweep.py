"""Interval sweeps, the yardsticks of the availability benchmark; no bitmaps.

`plain`: as one writes it, with datetimes: windows by the local clock, what is taken sorted and cut out of them, steps
along what is left. `tuned`: the same idea on whole minutes, with the engine's own hours, reading only two numbers of
each entry, and a pointer into what is taken that never goes back.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.booking.calendar.entries import Days
from chalicelib.booking.engine.clocks import utc_midnight
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.query import Frame
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window

Span = tuple[datetime, datetime]
_ROW = struct.Struct(">hH21x")
_MINUTE = timedelta(minutes=1)


def plain(days: Days, hours: Hours, span: Span, spec: SlotSpec) -> list[datetime]:
    """The free starts of one calendar as it is stored, on the grid of the hour."""
    taken = _taken(days)
    step, length = spec.step * _MINUTE, spec.duration * _MINUTE
    before, after = spec.before * _MINUTE, spec.after * _MINUTE
    found: list[datetime] = []
    for opens, closes in _windows(hours, span):
        for begins, ends in _left(opens - before, closes + after, taken):
            start = max(begins + before, opens)
            start += (-start.minute % spec.step) * _MINUTE
            while start + length <= closes and start + length + after <= ends:
                found.append(start)
                start += step
    return found


def tuned(days: Days, hours: Hours, request: tuple[Window, SlotSpec], frame: Frame, dates: Iterable[date]) -> list[int]:
    """The same as minutes since 1970; `request`: when what is to be placed, `dates`: those of the frame."""
    windows = opened(hours, frame.first - 1, frame.first + frame.days)
    taken = set()
    for day in dates:
        packed = days.get(day)
        if packed:
            midnight = utc_midnight(day.toordinal())
            for first, last in _ROW.iter_unpack(packed[1:]):
                taken.add((midnight + first, midnight + last))
    return _walk(windows, sorted(taken), *request)


def _taken(days: Days) -> list[Span]:
    found = set()
    for day, packed in days.items():
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for first, last in _ROW.iter_unpack(packed[1:]):
            found.add((midnight + first * _MINUTE, midnight + last * _MINUTE))
    return sorted(found)


def _windows(hours: Hours, span: Span) -> Iterable[Span]:
    clock = ZoneInfo(hours.zone)
    day, last = (moment.astimezone(clock).date() for moment in span)
    special = dict(hours.overrides)
    while day <= last:
        midnight = datetime.combine(day, time(), clock)
        for start, end in special.get(day.toordinal(), hours.weekly[day.weekday()]):
            # Adding to a local time moves the clock's hands, so that nine is nine on every day.
            opens = (midnight + start * _MINUTE).astimezone(UTC)
            closes = (midnight + end * _MINUTE).astimezone(UTC)
            yield max(opens, span[0]), min(closes, span[1])
        day += timedelta(days=1)


def _left(opens: datetime, closes: datetime, taken: Sequence[Span]) -> Iterable[Span]:
    at = opens
    for start, end in taken:
        if end <= at:
            continue
        if start >= closes:
            break
        if start > at:
            yield at, start
        at = max(at, end)
    if at < closes:
        yield at, closes


def _walk(windows: Iterable[Window], taken: Sequence[Window], span: Window, spec: SlotSpec) -> list[int]:
    found = []
    at, count = 0, len(taken)
    for opens, closes in windows:
        start = -(-max(opens, span[0]) // spec.step) * spec.step
        last = min(closes, span[1]) - spec.duration
        while start <= last:
            while at < count and taken[at][1] <= start - spec.before:
                at += 1
            if at == count or taken[at][0] >= start + spec.duration + spec.after:
                found.append(start)
            start += spec.step
    return found
