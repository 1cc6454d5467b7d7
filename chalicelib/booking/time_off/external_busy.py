"""What another calendar (Google's, a provider's) says is busy of a member of staff, as entries of their calendar here.

An entry ends at the latest where its week does, so that each week is right by itself however many are replaced.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.booking.calendar.entries import Entry, Kind, monday_of
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.engine.windows import continuous
from chalicelib.booking.practice.hours import Interval

_SOURCE_BYTES = 4


def merged(busy: Iterable[Interval], first: datetime, last: datetime) -> list[Interval]:
    """The busy times within `first` to `last` in order, on whole minutes, those that touch as one."""
    return continuous((max(_floor(start), first), min(_ceiling(end), last)) for start, end in busy)


def entries(source: str, busy: Iterable[Interval]) -> list[Entry]:
    """What busy times take of the calendar; the same time of the same source is always the same entry."""
    return [
        Entry(start, (end - start) // MINUTE, 0, 0, Kind.EXTERNAL, 0, _reference(source, start, end))
        for whole in busy
        for start, end in _by_week(*whole)
    ]


def replaced(found: Iterable[Entry], source: str, first: datetime, last: datetime) -> tuple[list[Entry], list[Entry]]:
    """What a source said of the time from `first` to `last`, and the rest that stays of what reaches beyond it."""
    gone = [one for one in of_source(found, source) if one.start < last and first < one.blocks_until]
    rest = [
        (start, end)
        for one in gone
        for start, end in ((one.start, min(one.blocks_until, first)), (max(one.start, last), one.blocks_until))
        if start < end
    ]
    return gone, entries(source, rest)


def of_source(found: Iterable[Entry], source: str) -> list[Entry]:
    """The entries that come from there."""
    ours = _digest(source)[:_SOURCE_BYTES]
    return [one for one in found if one.kind is Kind.EXTERNAL and one.reference[:_SOURCE_BYTES] == ours]


def times(found: Sequence[Entry], first: datetime, last: datetime) -> list[Interval]:
    """When the entries take time, as they were given: cut at no week."""
    return merged([(one.start, one.blocks_until) for one in found], first, last)


def _by_week(start: datetime, end: datetime) -> list[Interval]:
    found = []
    while start < end:
        monday = monday_of(start.date()) + timedelta(weeks=1)
        until = min(end, datetime(monday.year, monday.month, monday.day, tzinfo=UTC))
        found.append((start, until))
        start = until
    return found


def _reference(source: str, start: datetime, end: datetime) -> bytes:
    return _digest(source)[:_SOURCE_BYTES] + _digest(f"{start.timestamp():.0f}-{end.timestamp():.0f}")[:8]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def _ceiling(at: datetime) -> datetime:
    floor = _floor(at)
    return floor if floor == at else floor + MINUTE
