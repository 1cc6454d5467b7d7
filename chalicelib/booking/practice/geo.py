"""How long the leg between two points takes: the great circle at a speed, or as a provider says; pure."""

from collections.abc import Iterable, Mapping, Sequence
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Annotated, Protocol

import msgspec

EARTH_KM = 6371.0088
"""The mean radius."""
LONGEST_MIN = 240
"""The longest leg that is reckoned with: what lies further from an appointment is not looked at for it."""
DEGREE = 1_000_000
"""Points are kept to a millionth of a degree, eleven centimetres."""


class Point(msgspec.Struct, frozen=True, order=True):
    """A point on the globe, in millionths of a degree: so it is the same before and after it was stored."""

    latitude: int
    longitude: int


class Travel(msgspec.Struct, frozen=True, kw_only=True):
    """How staff get about. `fixed_min`: on top of every leg, for parking and stairs.

    `within_hours`: the legs from home, or from the branch, to an appointment and back lie within working hours too;
    otherwise they are one's own time.
    """

    speed_kmh: Annotated[int, msgspec.Meta(ge=1, le=300)] = 40
    fixed_min: Annotated[int, msgspec.Meta(ge=0, le=120)] = 0
    within_hours: bool = False


Leg = tuple[Point, Point]
"""From, to."""


class Provider(Protocol):
    """Who knows legs better: minutes for each, None where that is not known either.

    It is asked for all legs of one request at once, and should say the same again: what is offered is checked anew when
    it is booked.
    """

    def __call__(self, legs: Sequence[Leg], /) -> Sequence[int | None]:
        """Minutes."""


class Roads(msgspec.Struct, frozen=True):
    """The legs of one request: those that a provider knows, and the great circle for the rest."""

    travel: Travel = Travel()
    known: Mapping[Leg, int] = {}

    def minutes(self, start: Point | None, end: Point | None) -> int:
        """Whole minutes, at most the longest reckoned with; 0 at one point, and where a point is not known."""
        if start is None or end is None or start == end:
            return 0
        minutes = self.known.get((start, end))
        if minutes is None:
            minutes = ceil(great_circle_km(start, end) / self.travel.speed_kmh * 60) + self.travel.fixed_min
        return min(max(minutes, 0), LONGEST_MIN)


def point(latitude: float, longitude: float) -> Point:
    """A point by its degrees; the 180th meridian is one, whichever side it was come to from."""
    east = round(longitude * DEGREE)
    return Point(round(latitude * DEGREE), -180 * DEGREE if east == 180 * DEGREE else east)


def great_circle_km(start: Point, end: Point) -> float:
    """The shortest distance over a round globe (haversine)."""
    north, south = radians(start.latitude / DEGREE), radians(end.latitude / DEGREE)
    east = radians((end.longitude - start.longitude) / DEGREE)
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(east / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def legs_between(here: Iterable[Point | None], others: Iterable[Point | None]) -> list[Leg]:
    """Every leg from one of `here` to one of `others` and back, each once."""
    theirs = [one for one in dict.fromkeys(others) if one is not None]
    pairs = [(one, other) for one in here if one is not None for other in theirs if other != one]
    return list(dict.fromkeys([*pairs, *((end, start) for start, end in pairs)]))
