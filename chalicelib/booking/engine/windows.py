"""Half-open windows [start, end) of integers or instants, whatever their unit: touching is not overlapping."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

Window = tuple[int, int]
T = TypeVar("T", int, datetime)


def continuous(windows: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """Windows that overlap or touch joined into one, in order; empty ones fall away."""
    found: list[tuple[T, T]] = []
    for start, end in sorted(window for window in windows if window[0] < window[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(windows: Iterable[Window], busy: Iterable[Window]) -> list[Window]:
    """What is left of each window, in the order given."""
    taken = sorted(busy)
    left = []
    for begins, end in windows:
        start = begins
        for busy_start, busy_end in taken:
            if busy_start >= end:
                break
            if busy_end <= start:
                continue
            if busy_start > start:
                left.append((start, busy_start))
            start = busy_end
        if start < end:
            left.append((start, end))
    return left


def common(sets: Sequence[Iterable[Window]]) -> list[Window]:
    """Where a window of every set is open, in order. Windows of one set that overlap are not joined up."""
    if not sets:
        return []
    found = sorted(sets[0])
    for each in sets[1:]:
        others = sorted(each)
        pairs = ((max(a, c), min(b, d)) for a, b in found for c, d in _from_until(others, b))
        found = sorted((start, end) for start, end in pairs if start < end)
    return found


def overlaps(window: Window, busy: Iterable[Window]) -> bool:
    """Whether anything busy shares time with the window."""
    return any(start < window[1] and end > window[0] for start, end in busy)


def held_within(window: Window, opened: Iterable[Window]) -> bool:
    """Whether one open window holds all of it."""
    return any(start <= window[0] and window[1] <= end for start, end in opened)


def _from_until(windows: Sequence[Window], end: int) -> Iterable[Window]:
    for window in windows:
        if window[0] >= end:
            return
        yield window
