"""Free slots on a board: staff, skills and rooms together, packages part by part, and why a time is not one; pure."""

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import product

import msgspec
from msgspec.structs import replace

from chalicelib.booking.availability.branch_calendar import BranchCalendar, ask_of
from chalicelib.booking.availability.package_fit import Choice, Piece, Placed, placed, possible
from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.engine.clocks import day_of
from chalicelib.booking.engine.explain import Why, explain
from chalicelib.booking.engine.search import fits, search_each
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import overlaps
from chalicelib.booking.practice.models import Service

MOST_NAMED = 10
"""So many of those who are free are named with a slot."""


class Able(msgspec.Struct, frozen=True):
    """Who may be given a service: `workers` who do it; only the one with the id `only`, if there is a wish for one."""

    workers: tuple[IndexedStaff, ...]
    only: str | None = None

    def of(self, service: Service) -> list[IndexedStaff]:
        """For the service by itself."""
        return [member for member in self._doing(service) if self.only in (None, member.id)]

    def of_part(self, service: Service) -> list[IndexedStaff]:
        """For a part of a package: whoever is wished for does what he can, others the rest."""
        return self.of(service) or self._doing(service)

    def _doing(self, service: Service) -> list[IndexedStaff]:
        return [member for member in self.workers if service.id in member.service_ids]


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


class Reason(msgspec.Struct, frozen=True):
    """Why a time is not offered: the rule, or the kind of entry (`by`) that took it, and whose time it is."""

    code: str
    staff_id: str | None = None
    room_id: str | None = None
    by: str | None = None


def find_slots(
    board: BranchCalendar, service: Service, able: Able, length_min: int | None, most: int
) -> tuple[list[FreeSlot], bool]:
    """The first `most` free slots in order, and whether there are more."""
    found: list[FreeSlot] = []
    for slot in _offered(board, service, able, length_min):
        if board.full_for_customer(service, slot.start):
            continue
        if len(found) == most:
            return found, True
        found.append(slot)
    return found, False


def _offered(board: BranchCalendar, service: Service, able: Able, length_min: int | None) -> Iterable[FreeSlot]:
    if service.parts:
        return _package(board, service, able)
    new = _plain(board, service, able, length_min)
    if service.seats == 1:
        return new
    # What can be joined goes before what would be another group at the same time.
    return merge(_standing(board, service, able, length_min), new, key=lambda slot: slot.start)


def _standing(board: BranchCalendar, service: Service, able: Able, length_min: int | None) -> Iterable[FreeSlot]:
    mine = {worker.id for worker in able.of(service)}
    for one in board.joinable(service, ask_of(service, length_min), mine):
        end = one.start + one.length_min
        yield FreeSlot(one.start, end, (one.staff_id,), 1, one.resource_ids, seats_left=one.left)


def _plain(board: BranchCalendar, service: Service, able: Able, length_min: int | None) -> Iterable[FreeSlot]:
    ask = ask_of(service, length_min)
    hosts = [board.host(worker, service) for worker in able.of(service)]
    if not hosts:
        return
    free: dict[int, list[str]] = {}
    for staff_id, found in search_each(board.question(service, ask, hosts), board.frame).items():
        for start in found.starts:
            free.setdefault(start, []).append(staff_id)
    kinds, origin = board.rooms(service, ask), board.frame.origin
    for start in sorted(free):
        rooms = _rooms_at(kinds, start - origin)
        if rooms is not None and board.first <= start < board.last:
            who = free[start]
            named, seats = tuple(who[:MOST_NAMED]), service.seats if service.seats > 1 else None
            yield FreeSlot(start, start + ask.duration, named, len(who), rooms, seats_left=seats)


def _rooms_at(kinds: Sequence[Sequence[Choice]], at: int) -> tuple[str, ...] | None:
    """One room of each kind that is free there, none twice; None where there are not enough."""
    if not kinds:
        return ()
    free = [[choice.id for choice in kind if choice.at(at)] for kind in kinds]
    return next((rooms for rooms in product(*free) if len(set(rooms)) == len(rooms)), None)


def _package(board: BranchCalendar, service: Service, able: Able) -> Iterable[FreeSlot]:
    parts = parts_of(board, service)
    pieces = pieces_of(board, service, able)
    if not all(piece.staff for piece in pieces) or not any(able.of(part) for part in parts):
        return
    # The package's own grid and rules say when it may begin, the parts whether they can follow.
    ask = replace(ask_of(service), duration=parts[0].duration_min, before=pieces[0].before, after=pieces[0].after)
    hosts = [board.host(worker, _on_its_terms(parts[0], service)) for worker in able.of_part(parts[0])]
    begins = {s for one in search_each(board.question(service, ask, hosts), board.frame).values() for s in one.starts}
    starts, origin = possible(pieces), board.frame.origin
    for start in sorted(begins):
        if board.first <= start < board.last and (found := placed(pieces, starts, start - origin)):
            yield _package_slot(parts, found, origin)


def parts_of(board: BranchCalendar, package: Service) -> list[Service]:
    """The services that a package consists of, in order; raises Invalid when one is not offered here."""
    return [board.branch.part(part.service_id, "query.service") for part in package.parts]


def pieces_of(board: BranchCalendar, package: Service, able: Able) -> list[Piece]:
    """The parts of a package as the search for a placement sees them, each with who and what could take it where."""
    return [
        _piece(board, package, part, able, gap=place.gap_min if number else 0)
        for number, (part, place) in enumerate(zip(parts_of(board, package), package.parts, strict=True))
    ]


def _on_its_terms(part: Service, package: Service) -> Service:
    # Booked as the package, a part counts to the package's limits and not to its own.
    return replace(part, id=package.id, number=package.number, policy=package.policy)


def _piece(board: BranchCalendar, package: Service, part: Service, able: Able, gap: int) -> Piece:
    ask = ask_of(part)
    hosts = [board.host(worker, _on_its_terms(part, package)) for worker in able.of_part(part)]
    staff = tuple(Choice(host.id, fits(host, ask, board.frame)) for host in hosts)
    rooms = board.rooms(part, ask)
    return Piece(duration=ask.duration, before=ask.before, after=ask.after, gap=gap, staff=staff, rooms=rooms)


def _package_slot(parts: Sequence[Service], found: Sequence[Placed], origin: int) -> FreeSlot:
    slots = tuple(
        PartSlot(part.id, origin + at.start, origin + at.start + part.duration_min, at.staff, at.rooms)
        for part, at in zip(parts, found, strict=True)
    )
    staff = tuple(dict.fromkeys(slot.staff_id for slot in slots))
    rooms = tuple(dict.fromkeys(room for slot in slots for room in slot.room_ids))
    return FreeSlot(slots[0].start, slots[-1].end, staff, len(staff), rooms, slots)


def why_not(board: BranchCalendar, service: Service, able: Able, length_min: int | None, start: int) -> list[Reason]:
    """Every reason why nothing of the service begins at `start`; "free" alone when something does."""
    board = board.narrowed(start, start + 1)
    offered, _ = find_slots(board, service, able, length_min, 1)
    if offered:
        return [Reason("free")]
    if board.full_for_customer(service, start):
        return [Reason("customer_limit_reached")]
    if service.parts:
        return [Reason("package_does_not_fit"), *_of_first_part(board, service, able, start)]
    return _of_one(board, service, able, length_min, start)


def _of_first_part(board: BranchCalendar, service: Service, able: Able, start: int) -> list[Reason]:
    first = board.branch.part(service.parts[0].service_id, "query.service")
    anyone = Able(tuple(able.of_part(first)))
    reasons = _of_one(board, replace(first, policy=service.policy), anyone, None, start)
    if day_of(board.branch.zone, start) in board.full_days(service):
        reasons.append(Reason("limit_reached"))
    return [reason for reason in reasons if reason.code != "free"]


def _of_one(board: BranchCalendar, service: Service, able: Able, length_min: int | None, start: int) -> list[Reason]:
    ask = ask_of(service, length_min)
    workers = able.of(service)
    reasons = [] if workers else [Reason("nobody_able")]
    for worker in workers:
        question = board.question(service, ask, [board.host(worker, service)])
        for why in explain(question, board.frame, start, {worker.id: board.entries(worker.id)}):
            if why.code != "free":
                reasons.append(Reason(_named(why, board, worker, service, ask, start), why.host, by=why.by))
    for kind in service.resources:
        reasons += _of_rooms(board, service, kind, length_min, start)
    return list(dict.fromkeys(reasons))


def _of_rooms(board: BranchCalendar, service: Service, kind: str, length_min: int | None, start: int) -> list[Reason]:
    ask, rooms = ask_of(service, length_min), board.branch.rooms_of(kind)
    if not rooms:
        return [Reason("no_such_resource")]
    found = []
    for room in rooms:
        host = board.room(room)
        if Choice(room.id, fits(host, ask, board.frame)).at(start - board.frame.origin):
            continue
        whys = explain(board.question(service, ask, [host]), board.frame, start, {room.id: board.entries(room.id)})
        found += [Reason(why.code, room_id=room.id, by=why.by) for why in whys if why.host]
    # Where fewer rooms are in the way than there are, rooms are not what is missing, unless several are needed.
    needed = [each.casefold() for each in service.resources].count(kind.casefold())
    return found if len(rooms) - len({reason.room_id for reason in found}) < needed else []


def _named(why: Why, board: BranchCalendar, worker: IndexedStaff, service: Service, ask: SlotSpec, start: int) -> str:
    if why.by == "external":
        return "external_busy"
    if why.code == "taken" and why.by is None:
        return "travel"  # nothing lies there: he is under way
    if why.code != "limit_reached":
        return why.code
    if not board.skilled(worker, service, start):
        return "skill_missing"
    return "travel" if overlaps((start, start + ask.duration), board.own_time(worker, service)) else why.code
