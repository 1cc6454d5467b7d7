"""Packages: several services one after the other, each with its own staff and rooms, placed together or not at all.

Pure: starts are places in bitmaps of one frame. `possible` says at once where each part could begin and the rest still
follow, each calendar looked at by itself; `placed` then chooses who and where, so that no two parts meet in a calendar.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import msgspec

from chalicelib.booking.engine import bits

MOST_STEPS = 2000
"""Choices tried for one start. What would take more is not offered: better that than a search without an end."""


class Choice(msgspec.Struct, frozen=True):
    """A calendar (a member of staff, a room) that could take a part; `fits`: a bit wherever the part may begin."""

    id: str
    fits: int

    def at(self, start: int) -> bool:
        """Whether the part may begin there."""
        return bool(self.fits >> start & 1)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A part; minutes. `gap`: the longest wait before it. `staff`: one of them; `rooms`: one of each, no room twice."""

    duration: int
    before: int = 0
    after: int = 0
    gap: int = 0
    staff: tuple[Choice, ...]
    rooms: tuple[tuple[Choice, ...], ...] = ()

    def blocked(self, start: int) -> tuple[int, int]:
        """The minutes that nothing else in its calendars may touch."""
        return start - self.before, start + self.duration + self.after


class Placed(msgspec.Struct, frozen=True):
    """A part with its start and who and what takes it."""

    start: int
    staff: str
    rooms: tuple[str, ...] = ()


def possible(pieces: Sequence[Piece]) -> list[int]:
    """For each part, where it could begin so that the parts after it could still follow, one by one."""
    found: list[int] = []
    for number in range(len(pieces) - 1, -1, -1):
        piece = pieces[number]
        starts = _any(piece.staff)
        for kind in piece.rooms:
            starts &= _any(kind)
        if found:
            # The next part begins where this one ends, or up to its gap later.
            starts &= bits.widened(found[0], pieces[number + 1].gap, 0) >> piece.duration
        found.insert(0, starts)
    return found


def placed(pieces: Sequence[Piece], starts: Sequence[int], first: int) -> list[Placed] | None:
    """Who and what takes each part when the first begins at `first`, or None.

    `starts` are `possible(pieces)`. Of several, the first by the order of the choices, then by the shortest waits.
    """
    if not starts[0] >> first & 1:
        return None
    return _Search(pieces, starts).run(first)


class _Search:
    """One search through who and where, with what it has chosen so far."""

    def __init__(self, pieces: Sequence[Piece], starts: Sequence[int]) -> None:
        self.pieces = pieces
        self.starts = starts
        self.steps = 0
        self.taken: list[tuple[str, tuple[int, int]]] = []
        self.chosen: list[Placed] = []

    def run(self, first: int) -> list[Placed] | None:
        """All parts, the first at `first`."""
        return self.chosen if self._from(0, first, first) else None

    def _from(self, number: int, earliest: int, latest: int) -> bool:
        if number == len(self.pieces):
            return True
        window = self.starts[number] >> earliest & (1 << latest - earliest + 1) - 1
        return any(self._at(number, start) for start in bits.ones(window, earliest))

    def _at(self, number: int, start: int) -> bool:
        piece = self.pieces[number]
        end = start + piece.duration
        gap = self.pieces[number + 1].gap if number + 1 < len(self.pieces) else 0
        for staff, rooms in self._choices(piece, start):
            self.steps += 1
            if self.steps > MOST_STEPS:
                return False
            owners = (staff, *rooms)
            self.taken += [(owner, piece.blocked(start)) for owner in owners]
            self.chosen.append(Placed(start, staff, rooms))
            if self._from(number + 1, end, end + gap):
                return True
            self.chosen.pop()
            del self.taken[-len(owners) :]
        return False

    def _choices(self, piece: Piece, start: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        kinds = [self._free(kind, piece, start) for kind in piece.rooms]
        for staff in self._free(piece.staff, piece, start):
            for rooms in product(*kinds):
                if len(set(rooms)) == len(rooms):
                    yield staff, rooms

    def _free(self, choices: Sequence[Choice], piece: Piece, start: int) -> list[str]:
        first, last = piece.blocked(start)
        meets = {owner for owner, (begins, ends) in self.taken if begins < last and first < ends}
        return [choice.id for choice in choices if choice.id not in meets and choice.at(start)]


def _any(choices: Sequence[Choice]) -> int:
    found = 0
    for choice in choices:
        found |= choice.fits
    return found
