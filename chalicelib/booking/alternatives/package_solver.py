"""Where the parts of a package go when it begins at a given minute: the search of availability, on fresh calendars."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.package_fit import Choice, Piece, Placed, placed, possible
from chalicelib.booking.availability.search_index import compile_search
from chalicelib.booking.availability.slots import Able, pieces_of
from chalicelib.booking.calendar.entries import Days, Entry, Kind
from chalicelib.booking.engine.clocks import minute_of, moment_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import invalid

ALWAYS = tuple(Window(day, 0, 1440) for day in range(7))


class Taking(msgspec.Struct, frozen=True):
    """A part with its time, and who and what it takes; `service` on the branch's terms."""

    service: Service
    starts_at: datetime
    staff: Staff
    room_ids: tuple[str, ...] = ()

    @property
    def ends_at(self) -> datetime:
        """When it is over; what is kept free after it comes on top."""
        return self.starts_at + timedelta(minutes=self.service.duration_min)

    def entry(self, number: int, reference: bytes) -> Entry:
        """What it takes of each of its calendars, as part of the package with that number."""
        service = self.service
        return Entry(
            self.starts_at,
            service.duration_min,
            service.buffer_before_min,
            service.buffer_after_min,
            Kind.BOOKING,
            number,
            reference,
        )


def parts_of(schedule: Schedule, package: Service, path: str) -> list[Service]:
    """The services it consists of; raises Invalid about `path` when the branch does not offer one of them."""
    found = [schedule.find_service(part.service_id) for part in package.parts]
    if not all(found):
        raise invalid(path, "part_not_offered", f"A part of {package.name} is not offered here.")
    return [part for part in found if part]


def taken_of(found: BookingContext, own: Sequence[bytes] = ()) -> dict[str, Days]:
    """What is taken of every calendar that was read, by its id, without what has one of the references `own`."""
    return {calendar.owner.id: calendar.without(own).days for calendar in (*found.calendars, *found.rooms)}


def solve(
    schedule: Schedule,
    package: Service,
    workers: Sequence[Staff],
    taken: Mapping[str, Days],
    starts_at: datetime,
    now: datetime,
    *,
    only: str | None = None,
    any_hours: bool = False,
    keep: Sequence[Sequence[str]] = (),
) -> list[Taking] | None:
    """Who and what takes each part when the first begins at `starts_at`, or None when that cannot be.

    `workers`: who may be taken, the best first; `only`: the id of whom to take for all that he does. `keep`: for each
    part the ids of staff and rooms to take rather than others. Rules, limits and the grid of starts are not looked at.
    """
    parts = parts_of(schedule, package, "service")
    start = minute_of(starts_at)
    span = sum(part.duration_min for part in parts) + sum(part.gap_min for part in package.parts[1:])
    compiled = compile_search(_narrowed(schedule, package, parts, workers, any_hours))
    board = BranchCalendar(compiled, taken, frame_of(start, start + span), start, start + 1, now)
    pieces = pieces_of(board, _found(compiled.service(package.id)), Able(compiled.staff, only))
    if not all(piece.staff for piece in pieces):
        return None
    if keep:
        pieces = [_preferring(piece, ids) for piece, ids in zip(pieces, keep, strict=True)]
    found = _placed(pieces, start - board.frame.origin)
    if found is None:
        return None
    members = {member.id: member for member in workers}
    return [
        Taking(part, moment_of(board.frame.origin + at.start), members[at.staff], at.rooms)
        for part, at in zip(parts, found, strict=True)
    ]


def _placed(pieces: Sequence[Piece], at: int) -> list[Placed] | None:
    starts = possible(pieces)
    found = placed(pieces, starts, at)
    if found is not None:
        return found
    # The search is bounded. In the order in which availability goes through it, it finds what availability offers.
    return placed([_in_order(piece) for piece in pieces], starts, at)


def _in_order(piece: Piece) -> Piece:
    return replace(
        piece,
        staff=tuple(sorted(piece.staff, key=lambda choice: choice.id)),
        rooms=tuple(tuple(sorted(kind, key=lambda choice: choice.id)) for kind in piece.rooms),
    )


def _preferring(piece: Piece, ids: Sequence[str]) -> Piece:
    def first(choices: Sequence[Choice]) -> tuple[Choice, ...]:
        return tuple(sorted(choices, key=lambda choice: choice.id not in ids))

    return replace(piece, staff=first(piece.staff), rooms=tuple(first(kind) for kind in piece.rooms))


def _narrowed(
    schedule: Schedule, package: Service, parts: Sequence[Service], workers: Sequence[Staff], any_hours: bool
) -> Schedule:
    # Only what this package needs is compiled. Whether a limit is reached is for its counters to say.
    kinds = {kind.casefold() for part in parts for kind in part.resources}
    services = tuple({service.id: service for service in parts}.values())
    staff = tuple(replace(member, daily_maximum=None) for member in workers)
    branch = schedule.branch
    closed = schedule.closed
    if any_hours:
        staff = tuple(replace(m, hours={branch.id: ALWAYS}, breaks={}, exceptions={}) for m in staff)
        services = tuple(replace(service, skills=()) for service in services)
        branch, closed = replace(branch, hours=ALWAYS, exceptions=(), closures=(), holidays=None), ()
    return replace(
        schedule,
        branch=branch,
        services=(*services, replace(package, policy=Policy(off=("daily_maximum", "limits")))),
        staff=staff,
        resources=tuple(r for r in schedule.resources if r.kind.casefold() in kinds),
        closed=closed,
    )


def _found(service: Service | None) -> Service:
    assert service is not None
    return service
