"""Where a calendar's appointments take place, when that is not where it is at home: packed, beside its entries; pure.

A location lies in every UTC day that its reach touches: its blocked interval and the longest leg that is reckoned with
on both sides. It says all that matters of it: times, point, expiry. Whoever books compares-and-swaps entries and
locations of every day in their own reach, so of two appointments too close for the leg between them one is told to read
again, also across midnight, and also where the other one has no location.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

import msgspec

from chalicelib.booking.calendar.entries import Entry, differing
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.practice.geo import Point

_PACKED = struct.Struct(">hhI12sii")
"""First blocked minute from the day's midnight and the minute after the last, expiry (minutes since 1970, 0: never),
reference, latitude, longitude: 28 bytes."""
DayLocations = Mapping[date, bytes]
"""The packed locations of each UTC day of one calendar; mostly none."""


class AppointmentLocation(msgspec.Struct, frozen=True):
    """A time spent at a place, buffers included; None: where the calendar is at home."""

    start: datetime
    end: datetime
    point: Point | None
    reference: bytes
    expires_at: datetime | None = None

    def lasts(self, now: datetime) -> bool:
        """Whether it still holds."""
        return self.expires_at is None or self.expires_at > now


def unpack(day: date, packed: bytes) -> list[AppointmentLocation]:
    """The locations of one day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [
        AppointmentLocation(
            midnight + first * MINUTE,
            midnight + last * MINUTE,
            point,
            reference,
            datetime.fromtimestamp(expiry * 60, UTC) if expiry else None,
        )
        for first, last, expiry, reference, point in spans_of(packed)
    ]


def spans_of(packed: bytes) -> Iterator[tuple[int, int, int, bytes, Point]]:
    """Of each location of a day: first and last minute from its midnight, expiry (minutes since 1970), whose, where."""
    return (
        (first, last, expiry, reference, Point(latitude, longitude))
        for first, last, expiry, reference, latitude, longitude in _PACKED.iter_unpack(packed)
    )


def locations_of(locations: DayLocations) -> list[AppointmentLocation]:
    """Every location once, though it lies in several days."""
    return list(dict.fromkeys(one for day, packed in locations.items() for one in unpack(day, packed)))


def points_of(locations: DayLocations) -> set[Point]:
    """Every point at which anything takes place."""
    return {point for packed in locations.values() for *_, point in spans_of(packed)}


def with_entry(locations: DayLocations, entry: Entry, now: datetime) -> dict[date, bytes]:
    """The days that change when `entry` is added; none when it takes place at home."""
    if entry.point is None:
        return {}
    new = AppointmentLocation(entry.blocks_from, entry.blocks_until, entry.point, entry.reference, entry.expires_at)
    return {
        day: _pack(day, [*(one for one in unpack(day, locations.get(day, b"")) if one.lasts(now)), new])
        for day in entry.days_in_reach()
    }


def without_reference(locations: DayLocations, reference: bytes, touched: Iterable[date]) -> dict[date, bytes]:
    """The days of `touched` that change when everything with this reference is removed."""
    kept = (
        (day, [one for one in unpack(day, locations.get(day, b"")) if one.reference != reference]) for day in touched
    )
    return differing(locations, ((day, _pack(day, left)) for day, left in kept))


def _pack(day: date, locations: Iterable[AppointmentLocation]) -> bytes:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    packed = []
    for one in sorted(locations, key=lambda one: (one.start, one.reference)):
        assert one.point, "what takes place at home has no location"
        first, last = (one.start - midnight) // MINUTE, (one.end - midnight) // MINUTE
        expiry = int(one.expires_at.timestamp()) // 60 if one.expires_at else 0
        packed.append(_PACKED.pack(first, last, expiry, one.reference, one.point.latitude, one.point.longitude))
    return b"".join(packed)
