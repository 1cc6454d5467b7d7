"""A calendar: whose it is, and what is taken of it in the weeks that were read; pure."""

from collections.abc import Iterable
from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from chalicelib.booking.calendar import entries as packed
from chalicelib.booking.calendar import locations as packed_locations
from chalicelib.booking.calendar.entries import Days, Entry
from chalicelib.booking.calendar.locations import DayLocations
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.practice.geo import Point


class Calendar(msgspec.Struct, frozen=True):
    """What is taken of its owner's time, as it was when it was read.

    `locations`: where that is, unless it is at the owner's home branch, which lies at `base` where that is known.
    """

    owner: CalendarOwner
    days: Days = {}
    locations: DayLocations = {}
    base: Point | None = None

    def entries(self) -> list[Entry]:
        """Everything in it, each once."""
        return packed.entries_of(self.days)

    def with_entries(self, entries: Iterable[Entry], now: datetime) -> "Calendar":
        """With these as well, whatever they meet there."""
        days, locations = dict(self.days), dict(self.locations)
        for entry in entries:
            days |= packed.with_entry(days, entry, now)
            locations |= packed_locations.with_entry(locations, entry, now)
        return replace(self, days=days, locations=locations)

    def without(self, references: Iterable[bytes], days: Iterable[date] | None = None) -> "Calendar":
        """Without whatever has one of these references on these days; None: on any day that was read."""
        touched = {*self.days, *self.locations} if days is None else set(days)
        left, locations = dict(self.days), dict(self.locations)
        for reference in references:
            left |= packed.without_reference(left, reference, touched)
            locations |= packed_locations.without_reference(locations, reference, touched)
        return replace(self, days=left, locations=locations)

    def joined(self, other: "Calendar") -> "Calendar":
        """With the weeks that were read of the same calendar another time; where both know a day, as `other` does."""
        days, locations = {**self.days, **other.days}, {**self.locations, **other.locations}
        return replace(self, days=days, locations=locations, base=other.base or self.base)
