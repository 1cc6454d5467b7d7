"""Free slots of a branch: staff, skills and rooms together, packages part by part; pure."""

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import product

import msgspec
from msgspec.structs import replace

from chalicelib.booking.availability.branch_calendar import BranchCalendar, spec_of
from chalicelib.booking.availability.package_fit import Choice, Piece, Placed, placed, possible
from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.engine.search import fits
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.practice.models import Service

MOST_NAMED = 10
"""So many of those who are free are named with a slot."""


class Able(msgspec.Struct, frozen=True):
    """Who may be given a service: `staff` who do it; only the one with the id `only`, if someone is asked for."""

    staff: tuple[IndexedStaff, ...]
    only: str | None = None

    def of(self, service: Service) -> list[IndexedStaff]:
        """For the service by itself."""
        return [member for member in self._doing(service) if self.only in (None, member.id)]

    def of_part(self, service: Service) -> list[IndexedStaff]:
        """For a part of a package: whoever is asked for does what they can, others the rest."""
        return self.of(service) or self._doing(service)

    def _doing(self, service: Service) -> list[IndexedStaff]:
        return [member for member in self.staff if service.id in member.service_ids]


class PartSlot(msgspec.Struct, frozen=True):
    """A part of a package: minutes since 1970, and who and what takes it."""

    service_id: str
    start: int
    end: int
    staff_id: str
    room_ids: tuple[str, ...]


class FreeSlot(msgspec.Struct, frozen=True):
    """From `start` to `end` (minutes since 1970): `free` members of staff could take it, of whom some are named.

    `room_ids`: one room or device of each kind needed. `parts`: of a package, in order. `seats_left`: of a service with
    seats; fewer than it has: a group that stands there with this member of staff, and can be joined.
    """

    start: int
    end: int
    staff_ids: tuple[str, ...]
    free: int
    room_ids: tuple[str, ...] = ()
    parts: tuple[PartSlot, ...] = ()
    seats_left: int | None = None


def find_slots(
    calendar: BranchCalendar, service: Service, able: Able, length_min: int | None, most: int
) -> tuple[list[FreeSlot], bool]:
    """The first `most` free slots in order, and whether there are more."""
    found: list[FreeSlot] = []
    for slot in _all(calendar, service, able, length_min):
        if calendar.full_for(service, slot.start):
            continue
        if len(found) == most:
            return found, True
        found.append(slot)
    return found, False


def _all(calendar: BranchCalendar, service: Service, able: Able, length_min: int | None) -> Iterable[FreeSlot]:
    if service.parts:
        return _of_package(calendar, service, able)
    spec = spec_of(service, length_min)
    new = _of_one(calendar, service, able, spec)
    if service.seats == 1:
        return new
    # What can be joined goes before what would be another group at the same time.
    return merge(_groups(calendar, service, able, spec), new, key=lambda slot: slot.start)


def _groups(calendar: BranchCalendar, service: Service, able: Able, spec: SlotSpec) -> Iterable[FreeSlot]:
    for one in calendar.joinable(service, spec, {member.id for member in able.of(service)}):
        start, left = minute_of(one.starts_at), one.group.left if one.group else 0
        yield FreeSlot(start, start + spec.duration, (str(one.staff_id),), 1, one.resource_ids, seats_left=left)


def _of_one(calendar: BranchCalendar, service: Service, able: Able, spec: SlotSpec) -> Iterable[FreeSlot]:
    hosts = [calendar.host(member, service) for member in able.of(service)]
    if not hosts:
        return
    free: dict[int, list[str]] = {}
    for staff_id, starts in calendar.starts(service, spec, hosts).items():
        for start in starts:
            free.setdefault(start, []).append(staff_id)
    kinds, origin = _rooms(calendar, service, spec), calendar.frame.origin
    seats = service.seats if service.seats > 1 else None
    for start in sorted(free):
        rooms = _rooms_at(kinds, start - origin)
        if rooms is not None:
            who = free[start]
            named = tuple(who[:MOST_NAMED])
            yield FreeSlot(start, start + spec.duration, named, len(who), rooms, seats_left=seats)


def _rooms(calendar: BranchCalendar, service: Service, spec: SlotSpec) -> tuple[tuple[Choice, ...], ...]:
    """For each kind that the service needs: the rooms of it, and where the appointment fits them."""
    return tuple(
        tuple(
            Choice(room.id, fits(calendar.plain_host(room), spec, calendar.frame))
            for room in calendar.index.rooms_of(kind)
        )
        for kind in service.resources
    )


def _rooms_at(kinds: Sequence[Sequence[Choice]], at: int) -> tuple[str, ...] | None:
    """One room of each kind that is free there, none twice; None where there are not enough."""
    if not kinds:
        return ()
    free = [[choice.id for choice in kind if choice.at(at)] for kind in kinds]
    return next((rooms for rooms in product(*free) if len(set(rooms)) == len(rooms)), None)


def _of_package(calendar: BranchCalendar, package: Service, able: Able) -> Iterable[FreeSlot]:
    parts = calendar.index.parts_of(package)
    pieces = pieces_of(calendar, package, able)
    if not all(piece.staff for piece in pieces) or not any(able.of(part) for part in parts):
        return
    # The package's own grid and rules say when it may begin, the parts whether they can follow.
    spec = replace(spec_of(package), duration=parts[0].duration_min, before=pieces[0].before, after=pieces[0].after)
    hosts = [calendar.host(member, _on_its_terms(parts[0], package)) for member in able.of_part(parts[0])]
    begins = {start for starts in calendar.starts(package, spec, hosts).values() for start in starts}
    starts, origin = possible(pieces), calendar.frame.origin
    for start in sorted(begins):
        if found := placed(pieces, starts, start - origin):
            yield _package_slot(parts, found, origin)


def pieces_of(calendar: BranchCalendar, package: Service, able: Able) -> list[Piece]:
    """The parts of a package as the search for a placement sees them, each with who and what could take it where."""
    pieces = []
    for number, (part, place) in enumerate(zip(calendar.index.parts_of(package), package.parts, strict=True)):
        spec = spec_of(part)
        hosts = [calendar.host(member, _on_its_terms(part, package)) for member in able.of_part(part)]
        piece = Piece(
            duration=spec.duration,
            before=spec.before,
            after=spec.after,
            gap=place.gap_min if number else 0,
            staff=tuple(Choice(host.id, fits(host, spec, calendar.frame)) for host in hosts),
            rooms=_rooms(calendar, part, spec),
        )
        pieces.append(piece)
    return pieces


def _on_its_terms(part: Service, package: Service) -> Service:
    # Booked as the package, a part counts to the package's limits and not to its own.
    return replace(part, id=package.id, number=package.number, policy=package.policy)


def _package_slot(parts: Sequence[Service], found: Sequence[Placed], origin: int) -> FreeSlot:
    slots = tuple(
        PartSlot(part.id, origin + at.start, origin + at.start + part.duration_min, at.staff, at.rooms)
        for part, at in zip(parts, found, strict=True)
    )
    staff = tuple(dict.fromkeys(slot.staff_id for slot in slots))
    rooms = tuple(dict.fromkeys(room for slot in slots for room in slot.room_ids))
    return FreeSlot(slots[0].start, slots[-1].end, staff, len(staff), rooms, slots)
