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
from chalicelib.booking.waitlist.entry import Candidate, WaitlistEntry, chance

MOST_SLOTS = 10_000
Passed = Collection[tuple[str, datetime]]
"""Times (with a waiting's id) that were found not to be had for him."""


class Match(msgspec.Struct, frozen=True):
    """A time for someone."""

    waiting: WaitlistEntry
    chance: Candidate


def can_be_waited_for(service: Service) -> bool:
    """Whether one free time of one member of staff is all that an appointment of the service takes."""
    return not service.parts and service.seats == 1 and not service.mobile


def best_match(board: BranchCalendar, people: Iterable[WaitlistEntry], passed: Passed = ()) -> Match | None:
    """The one who goes first among all whom something on the board suits, and what suits him best."""
    chances = _Chances(board)
    found = [Match(one, first) for one in people if (first := chances.first(one, passed))]
    return min(found, key=lambda match: match.waiting.rank(match.chance), default=None)


class _Chances:
    """The free times of a board, found once for all who want the same."""

    def __init__(self, board: BranchCalendar) -> None:
        self._board = board
        self._clock = ZoneInfo(board.branch.zone)
        self._found: dict[tuple[str, int | None, tuple[str, ...]], list[Candidate]] = {}

    def first(self, waiting: WaitlistEntry, passed: Passed) -> Candidate | None:
        """The first one of the service he would rather have."""
        workers = [worker for worker in self._board.branch.staff if waiting.wants(worker)]
        for service in self._services(waiting):
            for free in self._of(service, waiting.length_min, workers):
                if waiting.fits(free) and (waiting.id, free.starts_at) not in passed:
                    return _by_preference(free, waiting.staff_ids)
        return None

    def _services(self, waiting: WaitlistEntry) -> list[Service]:
        found = [self._board.branch.service(service_id) for service_id in waiting.service_ids]
        return [one for one in found if one and can_be_waited_for(one) and (one.published or not waiting.visitor)]

    def _of(self, service: Service, length_min: int | None, workers: Sequence[IndexedStaff]) -> list[Candidate]:
        length = length_of(service, length_min)
        if length is None:
            return []
        key = (service.id, length, tuple(worker.id for worker in workers))
        if key not in self._found:
            slots, _ = find_slots(self._board, service, Able(tuple(workers)), length, MOST_SLOTS)
            self._found[key] = [
                chance(service.id, moment_of(slot.start), moment_of(slot.end), slot.staff_ids, self._clock)
                for slot in slots
            ]
        return self._found[key]


def length_of(service: Service, length_min: int | None) -> int | None:
    """How long it would take: as wished where the length may be chosen, else as it does; None: not that long."""
    if length_min is None or service.longest_min is None:
        return service.duration_min
    return length_min if service.duration_min <= length_min <= service.longest_min else None


def _by_preference(free: Candidate, staff_ids: Sequence[str]) -> Candidate:
    if not staff_ids:
        return free
    return msgspec.structs.replace(free, staff_ids=tuple(one for one in staff_ids if one in free.staff_ids))
