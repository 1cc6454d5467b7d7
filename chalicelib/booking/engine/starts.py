"""At which minutes of the free time an appointment may start: the alignments, on windows and on bitmaps."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from chalicelib.booking.engine.bits import every
from chalicelib.booking.engine.clocks import offset_at
from chalicelib.booking.engine.windows import Window

Alignment = Literal["rounded", "opening", "gap"]
ROUND = (60, 30, 20, 15, 10, 5)
"""What a first start is rounded up to: the largest of these that divides the interval, else not at all."""


class SlotSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be placed; minutes. `before` and `after` are kept free of others, but need not be working hours.

    `alignment`: "rounded": each free stretch starts anew, its first start rounded up on the viewer's clock; "opening":
    a grid from each opening, whatever is taken drops out; "gap": a grid from where each free stretch begins.
    `optimized`: round up only as far as no start is lost by it. `offset` moves the first start, and widens the step of
    "rounded".
    """

    duration: int
    step: int
    before: int = 0
    after: int = 0
    alignment: Alignment = "rounded"
    offset: int = 0
    optimized: bool = False

    @property
    def plain(self) -> bool:
        """Whether "rounded" comes to the multiples of the step on the clock, wherever a stretch begins."""
        return self.alignment == "rounded" and self.step in ROUND and not self.offset and not self.optimized


def aligned(free: Sequence[Window], spec: SlotSpec, zone: str) -> list[int]:
    """The starts within free stretches, by "rounded" or "gap", in order."""
    if spec.alignment == "rounded":
        return rounded(free, spec, zone)
    found: set[int] = set()
    for start, end in free:
        found.update(range(start + spec.offset, end - spec.duration + 1, spec.step))
    return sorted(found)


def rounded(free: Iterable[Window], spec: SlotSpec, zone: str) -> list[int]:
    """The starts within stretches that may overlap (of several staff): each falls in with the starts before it."""
    step = spec.step + spec.offset
    found: list[int] = []
    for new_unit, end in sorted(free):
        start = _round_up(new_unit, end, spec, zone) + spec.offset
        earlier = bisect_left(found, start)
        if earlier and found[earlier - 1] + step > start:
            # Within the step of an earlier start: that one again where it lies in this stretch, else the next one.
            start = found[earlier - 1] if found[earlier - 1] >= new_unit else found[earlier - 1] + step
        while start + spec.duration <= end:
            at = bisect_left(found, start)
            if at == len(found) or found[at] != start:
                insort(found, start)
            start += step
    return found


def opening_grid(opened: Iterable[Window], spec: SlotSpec, origin: int, size: int) -> int:
    """A bit at every start counted from an opening."""
    bits = 0
    for start, end in opened:
        first = start - origin + spec.offset
        if 0 <= first < size:
            bits |= every(spec.step, 0, end - start - spec.offset) << first
    return bits


def _round_up(start: int, end: int, spec: SlotSpec, zone: str) -> int:
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
