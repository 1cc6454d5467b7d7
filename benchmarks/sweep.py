"""A plain interval sweep, the yardstick of the availability benchmark: sorted lists, one pass, no bitmaps.

Written to be fair: bookings are decoded, sorted and padded beforehand, windows are given, and a pointer that never
goes back walks along the bookings while the grid's starts are tried one after the other.
"""

from collections.abc import Iterable, Sequence

from chalicelib.booking.engine.windows import Window


def free_starts(
    windows: Iterable[Window], taken: Sequence[Window], asked: Window, duration: int, step: int, before: int, after: int
) -> list[int]:
    """The starts on the grid at which [start - before, start + duration + after) is clear of everything taken."""
    found = []
    at, count = 0, len(taken)
    for opens, closes in windows:
        start = -(-max(opens, asked[0]) // step) * step
        last = min(closes, asked[1]) - duration
        while start <= last:
            while at < count and taken[at][1] <= start - before:
                at += 1
            if at == count or taken[at][0] >= start + duration + after:
                found.append(start)
            start += step
    return found


def of_any(each: Iterable[Iterable[int]]) -> list[int]:
    """The starts at which anyone is free."""
    union: set[int] = set()
    for starts in each:
        union.update(starts)
    return sorted(union)
