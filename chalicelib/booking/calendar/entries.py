"""What is taken of one calendar: packed entries, one byte string per UTC day, seven to a week; pure.

An entry blocks the interval from `before` minutes ahead of its start to `after` minutes past its end. Two entries clash
exactly when their blocked intervals share a minute, so an entry lies in every day that its interval touches: whatever
clashes shares a day, and a booking that compares-and-swaps its days can never miss what it clashes with.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from functools import cache

import msgspec

from chalicelib.booking.engine.clocks import DAY, MINUTE
from chalicelib.booking.practice.geo import LONGEST_MIN, Point
from chalicelib.core.ids import id_bytes

DAY_BYTES = DAY // 8
_PACKED = struct.Struct(">hHBBBHI12s")
"""First blocked minute (from the day's midnight, negative when it began the day before), the minute after the last,
before, after, kind, service number, expiry (minutes since 1970, 0: never), reference: 25 bytes."""
_BLOCKED = struct.Struct(">hH21x")
_FIRST_MINUTES, _LAST_MINUTES = 2**15, 2**16
"""How far ahead of a day a blocked interval may begin, and after its beginning end: 22 and 45 days."""
_LAPSES = 1
"""The first byte of a day: whether any of its entries lapses, and so has to be looked at more closely."""


class Kind(IntEnum):
    """Why the time is taken. GROUP: a booking that others can still join; everyone else it blocks like a booking."""

    BOOKING = 1
    HOLD = 2
    TIME_OFF = 3
    GROUP = 4
    EXTERNAL = 8
    """Another calendar says so."""


AWAY = frozenset({Kind.TIME_OFF, Kind.EXTERNAL})
"""What nobody is booked for."""


class Entry(msgspec.Struct, frozen=True):
    """Something that takes time; `expires_at` (UTC) only for a customer's hold, which lapses by itself.

    `point`: where it takes place, unless that is where its calendar is at home. It lies beside the packed entries
    (`locations`), and is not unpacked with them.
    """

    start: datetime
    length_min: int
    before_min: int
    after_min: int
    kind: Kind
    service: int
    reference: bytes
    expires_at: datetime | None = None
    point: Point | None = None

    @property
    def blocks_from(self) -> datetime:
        """The start of its blocked interval."""
        return self.start - timedelta(minutes=self.before_min)

    @property
    def blocks_until(self) -> datetime:
        """The end of its blocked interval, exclusive."""
        return self.start + timedelta(minutes=self.length_min + self.after_min)

    def minutes_of(self, day: date) -> tuple[int, int]:
        """Its blocked interval in minutes from the UTC midnight of `day`."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        first = (self.blocks_from - midnight) // MINUTE
        return first, first + self.before_min + self.length_min + self.after_min

    def clashes(self, other: "Entry", now: datetime) -> bool:
        """Whether the two blocked intervals share a minute and the other still holds at `now`."""
        if other.expires_at is not None and other.expires_at <= now:
            return False
        return self.blocks_from < other.blocks_until and other.blocks_from < self.blocks_until

    def days(self) -> list[date]:
        """The UTC days that its blocked interval touches."""
        first = self.blocks_from.date()
        last = (self.blocks_until - MINUTE).date()
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def reach(self) -> tuple[datetime, datetime]:
        """From when to when it matters to others: its blocked interval, and with a point the longest leg around it."""
        leg = timedelta(minutes=LONGEST_MIN if self.point else 0)
        return self.blocks_from - leg, self.blocks_until + leg

    def days_in_reach(self) -> list[date]:
        """The UTC days that its reach touches."""
        first, last = (at.date() for at in (self.reach()[0], self.reach()[1] - MINUTE))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]


Days = Mapping[date, bytes]
"""The packed entries of each UTC day of one calendar; a day that is absent is free."""


def monday_of(day: date) -> date:
    """The Monday of its week, which names the item the day lies in."""
    return day - timedelta(days=day.weekday())


def weeks_between(first: datetime, last: datetime) -> list[date]:
    """The Mondays of all weeks from `first` to `last`, both included, in UTC."""
    monday = monday_of(first.astimezone(UTC).date())
    end = monday_of(last.astimezone(UTC).date())
    return [monday + timedelta(weeks=n) for n in range((end - monday).days // 7 + 1)]


def unpack(day: date, packed: bytes) -> list[Entry]:
    """The entries of one day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = []
    for first, last, before, after, kind, service, expiry, reference in _PACKED.iter_unpack(packed[1:]):
        expires = datetime.fromtimestamp(expiry * 60, UTC) if expiry else None
        at = midnight + timedelta(minutes=first + before)
        length = last - after - first - before
        found.append(Entry(at, length, before, after, Kind(kind), service, reference, expires))
    return found


def times_of(packed: bytes) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Of each entry of a day: blocked minutes (from its midnight), kind, expiry (minutes since 1970), reference."""
    return (
        (first, last, kind, ends, mine) for first, last, _, _, kind, _, ends, mine in _PACKED.iter_unpack(packed[1:])
    )


def blocked_minutes(days: Days, dates: Iterable[date], now: datetime, but: bytes = b"") -> int:
    """A bitmap of `dates`, one UTC day after the other, with a bit for every minute that is taken.

    What has lapsed by `now` is left out, and so is the entry with the reference `but` (one's own, when moving).
    """
    # This is where availability spends its time: 10,000 entries a branch and month, so every step here counts.
    find, powers, pairs = days.get, _powers(), _BLOCKED.iter_unpack
    taken = []
    for day in dates:
        packed = find(day)
        if not packed:
            taken.append(_FREE_DAY)
            continue
        bits = 0
        if but or packed[0] & _LAPSES:
            for entry in unpack(day, packed):
                if entry.reference != but and (entry.expires_at is None or entry.expires_at > now):
                    first, last = entry.minutes_of(day)
                    bits |= powers[last] - powers[first]
        else:
            for first, last in pairs(packed[1:]):
                bits |= powers[last] - powers[first]
        taken.append(bits.to_bytes(DAY_BYTES, "little"))
    return int.from_bytes(b"".join(taken), "little")


_FREE_DAY = bytes(DAY_BYTES)


@cache
def _powers() -> list[int]:
    # Two to each minute of a day. What ends on a later day is cut off at midnight; what began on an earlier one has a
    # negative first minute, which counts from the end of the list: there it finds the first minute of the day.
    within = [1 << minute for minute in range(DAY)]
    return within + [1 << DAY] * (_LAST_MINUTES - DAY) + [1] * _FIRST_MINUTES


def entries_of(days: Days) -> list[Entry]:
    """Every entry once, though it may lie in two days."""
    return list(dict.fromkeys(entry for day, packed in days.items() for entry in unpack(day, packed)))


def first_clash(days: Days, new: Entry, now: datetime, *, but: bytes = b"") -> Entry | None:
    """What stands in the way of `new`, leaving out the entry with the reference `but` (one's own, when moving)."""
    for day in new.days():
        for entry in unpack(day, days.get(day, b"")):
            if entry.reference != but and new.clashes(entry, now):
                return entry
    return None


def with_entry(days: Days, entry: Entry, now: datetime) -> dict[date, bytes]:
    """The days that change when `entry` is added; what has lapsed by `now` is dropped on the way."""
    return {day: _pack(day, [*_lasting(day, days, now), entry]) for day in entry.days()}


def without_reference(days: Days, reference: bytes, touched: Iterable[date]) -> dict[date, bytes]:
    """The days of `touched` that change when everything with this reference is removed."""
    kept = ((day, [one for one in unpack(day, days.get(day, b"")) if one.reference != reference]) for day in touched)
    return differing(days, ((day, _pack(day, entries)) for day, entries in kept))


def repacked(days: Days, gone: Iterable[Entry], new: Iterable[Entry]) -> dict[date, bytes]:
    """The days that change when the entries `gone` are taken out and those `new`, whatever they meet, put in."""
    gone = set(gone)
    added: dict[date, list[Entry]] = {day: [] for entry in gone for day in entry.days()}
    for entry in dict.fromkeys(new):
        for day in entry.days():
            added.setdefault(day, []).append(entry)
    kept = {day: [entry for entry in unpack(day, days.get(day, b"")) if entry not in gone] for day in added}
    return differing(days, ((day, _pack(day, [*kept[day], *entries])) for day, entries in added.items()))


def differing(days: Days, new: Iterable[tuple[date, bytes]]) -> dict[date, bytes]:
    """Of new packed days, those that are not as before."""
    return {day: packed for day, packed in new if packed != days.get(day, b"")}


def reference_of(identifier: str) -> bytes:
    """The reference under which an appointment or hold lies in the calendar."""
    return id_bytes(identifier)


def _lasting(day: date, days: Days, now: datetime) -> list[Entry]:
    return [e for e in unpack(day, days.get(day, b"")) if e.expires_at is None or e.expires_at > now]


def _pack(day: date, entries: Iterable[Entry]) -> bytes:
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.reference))
    lapses = any(entry.expires_at for entry in ordered)
    packed = [bytes([_LAPSES if lapses else 0])]
    for e in ordered:
        first, last = e.minutes_of(day)
        expiry = int(e.expires_at.timestamp()) // 60 if e.expires_at else 0
        packed.append(_PACKED.pack(first, last, e.before_min, e.after_min, e.kind, e.service, expiry, e.reference))
    return b"".join(packed) if ordered else b""
