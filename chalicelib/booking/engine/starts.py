"""At which minutes of the free time an appointment may start: the alignments, on windows and on bitmaps."""

from collections.abc import Iterable
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
    `offset` moves the first start, and widens the step of "rounded".
    """

    duration: int
    step: int
    before: int = 0
    after: int = 0
    alignment: Alignment = "rounded"
    offset: int = 0

    @property
    def plain(self) -> bool:
        """Whether "rounded" comes to the multiples of the step on the clock, wherever a stretch begins."""
        return self.alignment == "rounded" and self.step in ROUND and not self.offset


def aligned(free: Iterable[Window], spec: SlotSpec, zone: str) -> list[int]:
    """The starts within free stretches, in order and apart from each other, by "rounded" or "gap"."""
    rounds = spec.alignment == "rounded"
    step = spec.step + spec.offset if rounds else spec.step
    unit = next((unit for unit in ROUND if spec.step % unit == 0), 1)
    found: list[int] = []
    for start, end in free:
        first = start + spec.offset
        if rounds:
            first += -(start + offset_at(zone, start)) % unit
            # Within the step of a start in the stretch before, the next one counts from there.
            first = max(first, found[-1] + step) if found else first
        found.extend(range(first, end - spec.duration + 1, step))
    return found


def opening_grid(opened: Iterable[Window], spec: SlotSpec, origin: int, size: int) -> int:
    """A bit at every start counted from an opening."""
    bits = 0
    for start, end in opened:
        first = start - origin + spec.offset
        if 0 <= first < size:
            bits |= every(spec.step, 0, end - start - spec.offset) << first
    return bits
