"""Starts in the free time of a team, whose stretches may overlap, and rounding that loses none."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from chalicelib.booking.engine.clocks import offset_at
from chalicelib.booking.engine.starts import ROUND, SlotSpec
from chalicelib.booking.engine.windows import Window


class TeamSpec(SlotSpec, frozen=True, kw_only=True):
    """`optimized`: round up only as far as no start is lost by it."""

    optimized: bool = False

    @property
    def plain(self) -> bool:
        """Whether "rounded" comes to the multiples of the step on the clock, wherever a stretch begins."""
        return super().plain and not self.optimized


def aligned(free: Sequence[Window], spec: TeamSpec, zone: str) -> list[int]:
    """The starts within free stretches, by "rounded" or "gap", in order."""
    if spec.alignment == "rounded":
        return rounded(free, spec, zone)
    found: set[int] = set()
    for start, end in free:
        found.update(range(start + spec.offset, end - spec.duration + 1, spec.step))
    return sorted(found)


def rounded(free: Iterable[Window], spec: TeamSpec, zone: str) -> list[int]:
    """The starts within stretches that may overlap (of several staff): each falls in with the starts before it."""
    step = spec.step + spec.offset
    found: list[int] = []
    for begins, end in sorted(free):
        start = _round_up(begins, end, spec, zone) + spec.offset
        earlier = bisect_left(found, start)
        if earlier and found[earlier - 1] + step > start:
            # Within the step of an earlier start: that one again where it lies in this stretch, else the next one.
            start = found[earlier - 1] if found[earlier - 1] >= begins else found[earlier - 1] + step
        while start + spec.duration <= end:
            at = bisect_left(found, start)
            if at == len(found) or found[at] != start:
                insort(found, start)
            start += step
    return found


def _round_up(start: int, end: int, spec: TeamSpec, zone: str) -> int:
    unit = next((unit for unit in ROUND if spec.step % unit == 0), 1)
    minute = (start + offset_at(zone, start)) % 60
    if minute % unit == 0:
        return start
    if not spec.optimized:
        return start - minute + -(-minute // unit) * unit
    spare = (end - start) % unit
    for to in (unit, 15, 5):
        if spare >= to - minute % to:
            return start + to - minute % to
    return start
