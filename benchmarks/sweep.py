"""A plain interval sweep, the yardstick of the availability benchmark: sorted lists of minutes, one pass, no bitmaps.

Written to be fair: it reads only the fields it needs, knows the local midnights as the engine does, and its pointer
into what is taken never goes back.
"""

import struct
from collections.abc import Iterable, Sequence
from datetime import date

from chalicelib.booking.engine.clocks import utc_midnight
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.question import Frame
from chalicelib.booking.engine.starts import Ask
from chalicelib.booking.engine.windows import Window
from chalicelib.booking.occupancy import Days

_ROW = struct.Struct(">hH21x")


def from_bytes(days: Days, dates: Iterable[date], hours: Hours, asked: Window, ask: Ask, frame: Frame) -> list[int]:
    """The free starts of one calendar as it is stored."""
    windows = opened(hours, frame.first - 1, frame.first + frame.days)
    return free_starts(windows, footprints(days, dates), asked, ask)


def footprints(days: Days, dates: Iterable[date]) -> list[Window]:
    """What is taken, in order; an entry across midnight lies in both its days."""
    taken = set()
    for day in dates:
        packed = days.get(day)
        if packed:
            midnight = utc_midnight(day.toordinal())
            for first, last in _ROW.iter_unpack(packed[1:]):
                taken.add((midnight + first, midnight + last))
    return sorted(taken)


def free_starts(windows: Iterable[Window], taken: Sequence[Window], asked: Window, ask: Ask) -> list[int]:
    """The starts on the clock's grid at which the footprint of the appointment is clear of everything taken."""
    found = []
    at, count = 0, len(taken)
    for opens, closes in windows:
        start = -(-max(opens, asked[0]) // ask.step) * ask.step
        last = min(closes, asked[1]) - ask.duration
        while start <= last:
            while at < count and taken[at][1] <= start - ask.before:
                at += 1
            if at == count or taken[at][0] >= start + ask.duration + ask.after:
                found.append(start)
            start += ask.step
    return found
