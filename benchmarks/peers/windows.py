"""Windows as the peers put them together: those that touch stay apart, those of two hosts are not joined up."""

from collections.abc import Iterable, Sequence

from chalicelib.booking.engine.windows import Window, common


def merged(windows: Iterable[Window]) -> list[Window]:
    """Windows that overlap joined into one, in order; those that only touch stay apart."""
    found: list[Window] = []
    for start, end in sorted(windows):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


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


def clipped(windows: Iterable[Window], first: int, last: int) -> list[Window]:
    """The parts between `first` and `last`."""
    parts = ((max(start, first), min(end, last)) for start, end in windows)
    return [(start, end) for start, end in parts if start < end]
