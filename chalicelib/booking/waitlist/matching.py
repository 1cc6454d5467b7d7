"""Who on the waiting list is offered which free time first; pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.availability.slots import Able, find_slots
from chalicelib.booking.engine.clocks import moment_of
from chalicelib.booking.practice.models import Service
from chalicelib.booking.waitlist.entry import Candidate, WaitlistEntry, candidate_at

MOST_SLOTS = 10_000
Passed = Collection[tuple[str, datetime]]
"""Starts, each with the id of an entry, of which it turned out that they cannot be offered to it."""


class Match(msgspec.Struct, frozen=True):
    """A free time for an entry."""

    entry: WaitlistEntry
    candidate: Candidate


def can_be_waited_for(service: Service) -> bool:
    """Whether one free time of one member of staff is all that an appointment of the service takes."""
    return not service.parts and service.seats == 1 and not service.mobile


def best_match(calendar: BranchCalendar, entries: Iterable[WaitlistEntry], passed: Passed = ()) -> Match | None:
    """The entry that goes first among all that something free suits, and what suits it best."""
    candidates = _Candidates(calendar)
    found = [Match(entry, first) for entry in entries if (first := candidates.first(entry, passed))]
    return min(found, key=lambda match: match.entry.rank(match.candidate), default=None)


class _Candidates:
    """The free times of a branch, found once for all entries that ask for the same."""

    def __init__(self, calendar: BranchCalendar) -> None:
        self._calendar = calendar
        self._clock = ZoneInfo(calendar.index.zone)
        self._found: dict[tuple[str, int, tuple[str, ...]], list[Candidate]] = {}

    def first(self, entry: WaitlistEntry, passed: Passed) -> Candidate | None:
        """The earliest of the service that the entry prefers, with its staff in the order that it prefers."""
        staff = tuple(one for one in self._calendar.index.staff if entry.accepts(one))
        for service in map(self._calendar.index.service, entry.service_ids):
            if service is None or not can_be_waited_for(service) or not (service.published or not entry.visitor):
                continue
            for candidate in self._of(service, entry.length_min, staff):
                if entry.fits(candidate) and (entry.id, candidate.starts_at) not in passed:
                    ordered = tuple(one for one in entry.staff_ids if one in candidate.staff_ids)
                    return msgspec.structs.replace(candidate, staff_ids=ordered or candidate.staff_ids)
        return None

    def _of(self, service: Service, length_min: int | None, staff: tuple[IndexedStaff, ...]) -> Sequence[Candidate]:
        length = length_of(service, length_min)
        if length is None:
            return ()
        key = (service.id, length, tuple(one.id for one in staff))
        if key not in self._found:
            slots, _ = find_slots(self._calendar, service, Able(staff), length, MOST_SLOTS)
            self._found[key] = [
                candidate_at(service.id, moment_of(slot.start), moment_of(slot.end), slot.staff_ids, self._clock)
                for slot in slots
            ]
        return self._found[key]


def length_of(service: Service, length_min: int | None) -> int | None:
    """How long it would take: as asked for where the length may be chosen, else as it does; None: not that long."""
    if length_min is None or service.longest_min is None:
        return service.duration_min
    return length_min if service.duration_min <= length_min <= service.longest_min else None
