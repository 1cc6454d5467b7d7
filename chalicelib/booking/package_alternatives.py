"""Times at which a package can be had instead, each bookable as given: the search of availability, read anew."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chalicelib.booking import alternatives
from chalicelib.booking.board import Board
from chalicelib.booking.compiled import compile_search
from chalicelib.booking.engine.clocks import minute_of, moment_of
from chalicelib.booking.engine.question import frame_of
from chalicelib.booking.package import LONGEST_MIN
from chalicelib.booking.package_solving import taken_of
from chalicelib.booking.practice import Service, Staff
from chalicelib.booking.situation import Situation
from chalicelib.booking.slots import Able, FreeSlot, find_slots

if TYPE_CHECKING:
    from chalicelib.booking.alternatives import Sought

MOST_LOOKED_AT = 800
"""Every quarter of an hour of the eight days that are read, and a few."""


def offered(sought: "Sought", found: Situation, package: Service) -> list[dict[str, Any]]:
    """The nearest times, in order; whoever was asked for does in them what he can."""
    members = {member.id: member for member in found.schedule.staff}
    clock = found.schedule.branch.clock()
    wanted = minute_of(sought.starts_at)
    slots = sorted(free(sought, found, package), key=lambda slot: (abs(slot.start - wanted), slot.start))
    nearest = sorted(slots[: alternatives.MOST], key=lambda slot: slot.start)
    return [_shown(slot, found.schedule.branch.id, package, members, clock) for slot in nearest]


def free(sought: "Sought", found: Situation, package: Service) -> list[FreeSlot]:
    """The free starts of a package within what was `found`, those left out on whose day a limit is reached."""
    schedule, clock = found.schedule, found.schedule.branch.clock()
    first = minute_of(max(sought.starts_at - alternatives.LOOK_BACK, sought.now))
    last = minute_of(sought.starts_at + alternatives.LOOK_AHEAD)
    taken = taken_of(found, [part.entry().reference for part in sought.own])
    compiled = compile_search(schedule)
    board = Board(compiled, taken, frame_of(first, last + LONGEST_MIN), first, last, sought.now)
    service = compiled.service(package.id)
    assert service is not None
    workers = tuple(worker for worker in compiled.staff if worker.published or not sought.published)
    slots, _ = find_slots(board, service, Able(workers, _wished(sought, schedule.staff)), None, MOST_LOOKED_AT)
    days = [sought.starts_at.astimezone(clock).date() + timedelta(days=n) for n in range(-1, 9)]
    full = alternatives.full_days(sought, found, package, schedule.staff, days)
    here = {minute_of(part.starts_at) for part in sought.own[:1]}
    return [
        slot
        for slot in slots
        if slot.start not in here
        and not {(who, moment_of(slot.start).astimezone(clock).date()) for who in ("", *slot.staff_ids)} & full
    ]


def _wished(sought: "Sought", staff: tuple[Staff, ...]) -> str | None:
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
