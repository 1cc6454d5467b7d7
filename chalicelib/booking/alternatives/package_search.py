"""Times at which a package can be had instead, each bookable as given: the search of availability, read anew."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.allocation.context import BranchContext
from chalicelib.booking.alternatives.package_solver import taken_of
from chalicelib.booking.alternatives.refusal import MOST, RefusedRequest
from chalicelib.booking.appointments.package import LONGEST_MIN
from chalicelib.booking.availability.branch_calendar import calendar_of
from chalicelib.booking.availability.slots import Able, FreeSlot, find_slots
from chalicelib.booking.engine.clocks import minute_of, moment_of
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules.limits import LimitQuery

MOST_LOOKED_AT = 800
"""Every quarter of an hour of the eight days that are read, and a few."""


class PackageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is to begin between two instants.

    `only`: the id of whom to take for all that they do; `published`: only staff whom visitors may see; `own`: what has
    one of these references is in nobody's way.
    """

    package: Service
    between: tuple[datetime, datetime]
    now: datetime
    only: str | None = None
    published: bool = False
    own: Sequence[bytes] = ()


def find_alternatives(refused: RefusedRequest, context: BranchContext, package: Service) -> list[dict[str, Any]]:
    """The nearest times, in order; whoever was asked for does in them what they can."""
    schedule, clock = context.schedule, context.schedule.branch.clock()
    first = refused.starts_at.astimezone(clock).date()
    days = [first + timedelta(days=n) for n in range(-1, 9)]
    full = rule_facts.full_days(LimitQuery(schedule, package, schedule.staff, refused.customer_id, first), days, {})
    here = {minute_of(part.starts_at) for part in refused.moving[:1]}

    def is_open(slot: FreeSlot) -> bool:
        day = moment_of(slot.start).astimezone(clock).date()
        return slot.start not in here and not {(who, day) for who in ("", *slot.staff_ids)} & full

    query = PackageQuery(
        package=package,
        between=refused.between,
        now=refused.now,
        only=next((one.id for one in schedule.staff if refused.staff and one.is_called(refused.staff)), None),
        published=refused.published,
        own=[part.entry().reference for part in refused.moving],
    )
    start = minute_of(refused.starts_at)
    slots = sorted(filter(is_open, free(context, query)), key=lambda slot: (abs(slot.start - start), slot.start))
    members = {member.id: member for member in schedule.staff}
    return [
        _shown(slot, schedule.branch.id, package, members, clock)
        for slot in sorted(slots[:MOST], key=lambda slot: slot.start)
    ]


def free(context: BranchContext, query: PackageQuery) -> list[FreeSlot]:
    """The free starts of a package in what was read, in order."""
    between = minute_of(max(query.between[0], query.now)), minute_of(query.between[1])
    branch_calendar = calendar_of(context.schedule, taken_of(context, query.own), between, LONGEST_MIN, query.now)
    package = branch_calendar.index.service(query.package.id)
    assert package is not None
    staff = tuple(member for member in branch_calendar.index.staff if member.published or not query.published)
    return find_slots(branch_calendar, package, Able(staff, query.only), None, MOST_LOOKED_AT)[0]


def is_offered(context: BranchContext, package: Service, starts_at: datetime, now: datetime, only: str | None) -> bool:
    """Whether a visitor is offered the package at that very start."""
    between = (starts_at, starts_at + timedelta(minutes=1))
    slots = free(context, PackageQuery(package=package, between=between, now=now, only=only, published=True))
    return any(slot.start == minute_of(starts_at) for slot in slots)


def _shown(
    slot: FreeSlot, branch_id: str, package: Service, members: dict[str, Staff], clock: ZoneInfo
) -> dict[str, Any]:
    def at(minute: int) -> str:
        return moment_of(minute).astimezone(clock).isoformat()

    def shown(start: int, end: int, service_id: str, staff_id: str) -> dict[str, Any]:
        who = {"service_id": service_id, "staff_id": staff_id, "staff": members[staff_id].name}
        return {"starts_at": at(start), "ends_at": at(end), **who}

    parts = [shown(part.start, part.end, part.service_id, part.staff_id) for part in slot.parts]
    whole = shown(slot.start, slot.end, package.id, slot.parts[0].staff_id)
    return {**whole, "branch_id": branch_id, "parts": parts}
