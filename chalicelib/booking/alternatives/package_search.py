"""Times at which a package can be had instead, each bookable as given: the search of availability, read anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives import search as alternatives_search
from chalicelib.booking.alternatives.package_solver import taken_of
from chalicelib.booking.appointments.package import LONGEST_MIN
from chalicelib.booking.availability.branch_calendar import BranchCalendar
from chalicelib.booking.availability.search_index import compile_search
from chalicelib.booking.availability.slots import Able, FreeSlot, find_slots
from chalicelib.booking.engine.clocks import minute_of, moment_of
from chalicelib.booking.engine.query import frame_of
from chalicelib.booking.practice.models import Service, Staff

if TYPE_CHECKING:
    from chalicelib.booking.alternatives.refusal import RefusedRequest

MOST_LOOKED_AT = 800
"""Every quarter of an hour of the eight days that are read, and a few."""


def offered(sought: "RefusedRequest", found: BookingContext, package: Service) -> list[dict[str, Any]]:
    """The nearest times, in order; whoever was asked for does in them what he can."""
    schedule, clock = found.schedule, found.schedule.branch.clock()
    days = [sought.starts_at.astimezone(clock).date() + timedelta(days=n) for n in range(-1, 9)]
    full = alternatives_search.full_days(sought, found, package, schedule.staff, days)
    here = {minute_of(part.starts_at) for part in sought.own[:1]}

    def is_open(slot: FreeSlot) -> bool:
        day = moment_of(slot.start).astimezone(clock).date()
        return slot.start not in here and not {(who, day) for who in ("", *slot.staff_ids)} & full

    wanted = minute_of(sought.starts_at)
    slots = free(
        found,
        package,
        (sought.starts_at - alternatives_search.LOOK_BACK, sought.starts_at + alternatives_search.LOOK_AHEAD),
        sought.now,
        only=_wished(sought, schedule.staff),
        published=sought.published,
        own=[part.entry().reference for part in sought.own],
    )
    nearest = sorted(filter(is_open, slots), key=lambda slot: (abs(slot.start - wanted), slot.start))
    members = {member.id: member for member in schedule.staff}
    return [
        _shown(slot, schedule.branch.id, package, members, clock)
        for slot in sorted(nearest[: alternatives_search.MOST], key=lambda slot: slot.start)
    ]


def free(
    found: BookingContext,
    package: Service,
    window: tuple[datetime, datetime],
    now: datetime,
    *,
    only: str | None = None,
    published: bool = False,
    own: Sequence[bytes] = (),
) -> list[FreeSlot]:
    """The free starts of a package within a window of what was `found`, in order.

    `only`: the id of whom to take for all that he does; `published`: only staff whom visitors may see; `own`: what
    has one of these references is in nobody's way.
    """
    first, last = minute_of(max(window[0], now)), minute_of(window[1])
    compiled = compile_search(found.schedule)
    board = BranchCalendar(compiled, taken_of(found, own), frame_of(first, last + LONGEST_MIN), first, last, now)
    service = compiled.service(package.id)
    assert service is not None
    workers = tuple(worker for worker in compiled.staff if worker.published or not published)
    return find_slots(board, service, Able(workers, only), None, MOST_LOOKED_AT)[0]


def offers(found: BookingContext, package: Service, starts_at: datetime, now: datetime, only: str | None) -> bool:
    """Whether a visitor is offered the package at that very start."""
    slots = free(found, package, (starts_at, starts_at + timedelta(minutes=1)), now, only=only, published=True)
    return any(slot.start == minute_of(starts_at) for slot in slots)


def _wished(sought: "RefusedRequest", staff: tuple[Staff, ...]) -> str | None:
    if sought.staff is None:
        return None
    name = sought.staff.strip().casefold()
    return next((m.id for m in staff if m.id == sought.staff or m.name.casefold() == name), None)


def _shown(
    slot: FreeSlot, branch_id: str, package: Service, members: dict[str, Staff], clock: ZoneInfo
) -> dict[str, Any]:
    def at(minute: int) -> str:
        return moment_of(minute).astimezone(clock).isoformat()

    return {
        "starts_at": at(slot.start),
        "ends_at": at(slot.end),
        "branch_id": branch_id,
        "service_id": package.id,
        "staff_id": slot.parts[0].staff_id,
        "staff": members[slot.parts[0].staff_id].name,
        "parts": [
            {
                "starts_at": at(part.start),
                "ends_at": at(part.end),
                "service_id": part.service_id,
                "staff_id": part.staff_id,
                "staff": members[part.staff_id].name,
            }
            for part in slot.parts
        ],
    }
