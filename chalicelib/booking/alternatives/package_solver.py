"""Where the parts of a package go when it begins at a given minute: the search of availability, on fresh calendars."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from chalicelib.booking.allocation.choose import PartPlacement
from chalicelib.booking.allocation.context import BranchContext
from chalicelib.booking.availability.branch_calendar import calendar_of
from chalicelib.booking.availability.package_fit import Choice, Piece, Placed, placed, possible
from chalicelib.booking.availability.slots import Able, pieces_of
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.engine.clocks import minute_of, moment_of
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import invalid

ALWAYS = tuple(Window(day, 0, 1440) for day in range(7))


class PackageProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is to begin at an instant, among what is `taken` of calendars, by their owners' ids.

    `only`: the id of whom to take for all that they do. `keep`: for each part the ids of staff and rooms to take rather
    than others. Rules, limits and the grid of starts are not looked at.
    """

    schedule: Schedule
    package: Service
    taken: Mapping[str, Calendar]
    starts_at: datetime
    now: datetime
    only: str | None = None
    keep: Sequence[Sequence[str]] = ()

    def solve(
        self, staff: Sequence[Staff], *, as_if_free: bool = False, any_hours: bool = False
    ) -> tuple[PartPlacement, ...] | None:
        """Who of the `staff`, the best first, and which rooms take each part; None when that cannot be.

        `as_if_free`: as if nothing were taken; `any_hours`: working hours and skills do not count.
        """
        package, start = self.package, minute_of(self.starts_at)
        parts = parts_of(self.schedule, package, "service")
        span = sum(part.duration_min for part in parts) + sum(part.gap_min for part in package.parts[1:])
        narrowed, taken = _narrowed(self.schedule, package, parts, staff, any_hours), {} if as_if_free else self.taken
        calendar = calendar_of(narrowed, taken, (start, start + 1), span, self.now)
        indexed = calendar.index.service(package.id)
        assert indexed is not None
        pieces = pieces_of(calendar, indexed, Able(calendar.index.staff, self.only))
        if not all(piece.staff for piece in pieces):
            return None
        if self.keep:
            pieces = [_preferring(piece, ids) for piece, ids in zip(pieces, self.keep, strict=True)]
        found = _placed(pieces, start - calendar.frame.origin)
        if found is None:
            return None
        members = {member.id: member for member in staff}
        return tuple(
            PartPlacement(part, moment_of(calendar.frame.origin + at.start), members[at.staff], at.rooms)
            for part, at in zip(parts, found, strict=True)
        )


def parts_of(schedule: Schedule, package: Service, path: str) -> list[Service]:
    """The services it consists of; raises Invalid about `path` when the branch does not offer one of them."""
    found = [schedule.find_service(part.service_id) for part in package.parts]
    if not all(found):
        raise invalid(path, "part_not_offered", f"A part of {package.name} is not offered here.")
    return [part for part in found if part]


def taken_of(context: BranchContext, own: Sequence[bytes] = ()) -> dict[str, Calendar]:
    """Every calendar that was read, by its owner's id, without what has one of the references `own`."""
    return {calendar.owner.id: calendar.without(own) for calendar in (*context.calendars, *context.rooms)}


def _placed(pieces: Sequence[Piece], at: int) -> list[Placed] | None:
    starts = possible(pieces)
    found = placed(pieces, starts, at)
    if found is not None:
        return found
    # The search is bounded. In the order in which availability goes through it, it finds what availability offers.
    return placed([_sorted(piece, lambda choice: choice.id) for piece in pieces], starts, at)


def _preferring(piece: Piece, ids: Sequence[str]) -> Piece:
    return _sorted(piece, lambda choice: choice.id not in ids)


def _sorted(piece: Piece, order: Callable[[Choice], str | bool]) -> Piece:
    staff, rooms = sorted(piece.staff, key=order), (tuple(sorted(kind, key=order)) for kind in piece.rooms)
    return replace(piece, staff=tuple(staff), rooms=tuple(rooms))


def _narrowed(
    schedule: Schedule, package: Service, parts: Sequence[Service], members: Sequence[Staff], any_hours: bool
) -> Schedule:
    # Only what this package needs is compiled. Whether a limit is reached is for its counters to say.
    kinds = {kind.casefold() for part in parts for kind in part.resources}
    services = tuple({service.id: service for service in parts}.values())
    staff = tuple(replace(member, daily_maximum=None) for member in members)
    branch, closed = schedule.branch, schedule.closed
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
