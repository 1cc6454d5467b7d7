"""Half-open windows [start, end) of integers, whatever their unit: touching is not overlapping."""

from collections.abc import Iterable, Sequence

Window = tuple[int, int]


def merged(windows: Iterable[Window]) -> list[Window]:
    """Windows that overlap joined into one, in order; those that only touch stay apart."""
    return _joined(windows, touching=0)


def continuous(windows: Iterable[Window]) -> list[Window]:
    """Windows that overlap or touch joined into one, in order; empty ones fall away."""
    return _joined((window for window in windows if window[0] < window[1]), touching=1)


def without_contained(windows: Iterable[Window]) -> list[Window]:
    """Each window once, in order, leaving out those that lie wholly within another."""
    kept: list[Window] = []
    furthest: int | None = None
    for window in sorted(set(windows), key=lambda w: (w[0], -w[1])):
        if window[1] < window[0]:
            # Ends before it starts: contains nothing, lies in nothing.
            kept.append(window)
        elif furthest is None or window[1] > furthest:
            kept.append(window)
            furthest = window[1]
    return sorted(kept)


def without(windows: Iterable[Window], busy: Iterable[Window]) -> list[Window]:
    """What is left of each window, in the order given."""
    taken = sorted(busy)
    left = []
    for new_unit, end in windows:
        start = new_unit
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


def of_team(hosts: Sequence[tuple[Iterable[Window], bool, str | None]], everyone: bool) -> list[Window]:
    """When a team can be booked; each host: their windows, whether they must be there, their group.

    All who must be there (all there are, if `everyone`) and of each group of the others one, who stays for the whole
    time: windows of two hosts are not joined up.
    """
    needed = [windows for windows, fixed, _ in hosts if fixed or everyone]
    groups: dict[str | None, list[Window]] = {}
    for windows, fixed, group in hosts:
        if not fixed:
            groups.setdefault(group, []).extend(windows)
    together = [merged(common(needed))] if needed else []
    return without_contained(common([*together, *groups.values()]))


def overlaps(window: Window, busy: Iterable[Window]) -> bool:
    """Whether anything busy shares time with the window."""
    return any(start < window[1] and end > window[0] for start, end in busy)


def held_within(window: Window, opened: Iterable[Window]) -> bool:
    """Whether one open window holds all of it."""
    return any(start <= window[0] and window[1] <= end for start, end in opened)


def clipped(windows: Iterable[Window], first: int, last: int) -> list[Window]:
    """The parts between `first` and `last`."""
    parts = ((max(start, first), min(end, last)) for start, end in windows)
    return [(start, end) for start, end in parts if start < end]


def _joined(windows: Iterable[Window], touching: int) -> list[Window]:
    found: list[Window] = []
    for start, end in sorted(windows):
        if found and start < found[-1][1] + touching:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _from_until(windows: Sequence[Window], end: int) -> Iterable[Window]:
    for window in windows:
        if window[0] >= end:
            return
        yield window
