"""Packages against every placement there is."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.booking.availability.package_fit import Choice, Piece, Placed, placed, possible
from tests.sizes import examples

HORIZON = 12
FITS = st.integers(0, (1 << HORIZON) - 1)


def choices(prefix: str, most: int) -> st.SearchStrategy[tuple[Choice, ...]]:
    return st.lists(FITS, min_size=1, max_size=most).map(
        lambda fits: tuple(Choice(f"{prefix}{n}", each) for n, each in enumerate(fits))
    )


@st.composite
def pieces(draw: st.DrawFn) -> Piece:
    rooms = draw(st.sampled_from([(), ("r",), ("r", "r"), ("r", "d")]))
    return Piece(
        duration=draw(st.integers(1, 3)),
        before=draw(st.integers(0, 2)),
        after=draw(st.integers(0, 2)),
        gap=draw(st.integers(0, 2)),
        staff=draw(choices("s", 2)),
        rooms=tuple(draw(choices(kind, 2)) for kind in rooms),
    )


def every_placement(parts: list[Piece], first: int) -> list[list[Placed]]:
    """All that hold, by trying everything."""
    options = [
        [
            Placed(start, staff.id, tuple(room.id for room in rooms))
            for start in range(HORIZON + 1)
            for staff in piece.staff
            for rooms in product(*piece.rooms)
            if all(choice.fits >> start & 1 for choice in (staff, *rooms))
        ]
        for piece in parts
    ]
    return [list(one) for one in product(*options) if one[0].start == first and holds(parts, list(one))]


def holds(parts: list[Piece], found: list[Placed]) -> bool:
    """Whether parts follow each other, and no calendar is in two places at once."""
    for number in range(1, len(parts)):
        ends = found[number - 1].start + parts[number - 1].duration
        if not ends <= found[number].start <= ends + parts[number].gap:
            return False
    takes = [
        (owner, piece.blocked(each.start))
        for piece, each in zip(parts, found, strict=True)
        for owner in (each.staff, *each.rooms)
    ]
    return not any(
        one[0] == other[0] and one[1][0] < other[1][1] and other[1][0] < one[1][1]
        for number, one in enumerate(takes)
        for other in takes[:number]
    )


@settings(max_examples=examples(150))
@given(st.lists(pieces(), min_size=1, max_size=2) | st.lists(pieces().filter(lambda p: not p.rooms), max_size=3))
def test_a_package_is_placed_exactly_where_one_placement_holds(parts: list[Piece]) -> None:
    if not parts:
        return
    starts = possible(parts)
    for first in range(HORIZON):
        found, every = placed(parts, starts, first), every_placement(parts, first)
        assert (found is not None) == bool(every)
        if found:
            assert found in every


def test_nobody_can_follow_on_themselves_within_their_buffers() -> None:
    both = 0b111111
    first = Piece(duration=2, after=1, staff=(Choice("ada", both),))
    again = Piece(duration=2, staff=(Choice("ada", both),))
    assert placed([first, again], possible([first, again]), 0) is None
    helped = Piece(duration=2, staff=(Choice("ada", both), Choice("ben", both)))
    assert placed([first, helped], possible([first, helped]), 0) == [Placed(0, "ada"), Placed(2, "ben")]
    waiting = Piece(duration=2, gap=1, staff=(Choice("ada", both),))
    assert placed([first, waiting], possible([first, waiting]), 0) == [Placed(0, "ada"), Placed(3, "ada")]


def test_a_search_through_too_much_ends() -> None:
    every = (1 << 2000) - 1
    crowd = tuple(Choice(f"s{n}", every) for n in range(20))
    same = (Choice("x", every),)
    stuck = Piece(duration=1, staff=(Choice("a", every),), rooms=(same, same))
    parts = [Piece(duration=1, gap=30, staff=crowd) for _ in range(6)] + [stuck]
    assert placed(parts, possible(parts), 0) is None
