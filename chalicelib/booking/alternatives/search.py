"""The nearest times that can be had instead of one that cannot, each bookable as given."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation.choose import NewEntry, entry_for, rooms_for
from chalicelib.booking.allocation.context import BranchContext, CalendarFilter
from chalicelib.booking.alternatives import other_branches, package_search
from chalicelib.booking.alternatives.refusal import LOOK_AHEAD, MOST, RefusedRequest
from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.branch_calendar import Slot, free_slots
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules.limits import LimitQuery

Shown = dict[str, Any]
"""An alternative as a client gets it."""


def find_alternatives(refused: RefusedRequest, *, consultation: bool = False) -> list[Shown]:
    """Up to three times nearest to the one refused: with the same staff, with others at that time, then with others;
    and one in another branch, or as many as are missing here. `consultation`: times for the one that comes first.

    Read anew and for a week ahead: one request more for this branch and three for the others, which only who is
    refused waits for.
    """
    service_id = str(refused.service.consultation_id if consultation else refused.service.id)
    only = CalendarFilter(service=service_id)
    context = branch_context.read(refused.company_id, refused.branch_id, refused.between, only)
    here = find_in_branch(refused, context, consultation=consultation)
    schedule = context.schedule
    if refused.moving or not refused.other_branches or schedule.find_service(service_id) is None:
        return here  # what stands stays in its branch
    if consultation:
        refused = msgspec.structs.replace(refused, length_min=None)
    return here + _in_other_branches(refused, schedule, service_id, MOST + 1 - len(here))


def find_in_branch(
    refused: RefusedRequest, context: BranchContext, rows: rule_facts.Rows | None = None, *, consultation: bool = False
) -> list[Shown]:
    """The same in this branch, of what was read: calendars from a day before to a week after, counters as in `rows`."""
    service_id = refused.service.consultation_id if consultation else refused.service.id
    service = context.schedule.find_service(str(service_id))
    if service is None:
        return []
    if service.parts:
        return package_search.find_alternatives(refused, context, service)
    if not consultation:
        service = msgspec.structs.replace(service, duration_min=refused.service.duration_min)
    slots = _bookable(refused, context, service, rows or {})
    chosen = _nearest(slots, None if consultation else refused.staff, refused.starts_at)
    return [_shown(context.schedule, service, slot) for slot in chosen]


def _in_other_branches(refused: RefusedRequest, schedule: Schedule, service_id: str, most: int) -> list[Shown]:
    times: list[tuple[timedelta, int, Shown]] = []
    for number, context in enumerate(other_branches.others(refused, schedule, service_id)):
        offer = context.schedule.find_service(service_id)
        service = other_branches.with_length(offer, refused.length_min) if offer else None
        if service is None or (refused.published and not service.published):
            continue
        if service.parts:
            found = package_search.find_alternatives(refused, context, service)
        else:
            slots = nearest(_bookable(refused, context, service, {}), refused.starts_at, most)
            found = [_shown(context.schedule, service, slot) for slot in slots]
        times += [(abs(datetime.fromisoformat(one["starts_at"]) - refused.starts_at), number, one) for one in found]
    return [shown for _, _, shown in sorted(times, key=lambda one: one[:2])[:most]]


def _shown(schedule: Schedule, service: Service, slot: Slot) -> Shown:
    clock = schedule.branch.clock()
    return {
        "starts_at": slot.starts_at.astimezone(clock).isoformat(),
        "ends_at": slot.ends_at.astimezone(clock).isoformat(),
        "branch_id": schedule.branch.id,
        "service_id": service.id,
        "staff_id": slot.staff.id,
        "staff": slot.staff.name,
        **({"seats_left": slot.seats_left} if slot.seats_left is not None else {}),
    }


def _bookable(refused: RefusedRequest, context: BranchContext, service: Service, rows: rule_facts.Rows) -> list[Slot]:
    if service.mobile and refused.address is None:
        return []
    schedule, clock, now = context.schedule, context.schedule.branch.clock(), refused.now
    able = [m for m in schedule.able(service, None, "service") if m.published or not refused.published]
    first = refused.starts_at.astimezone(clock).date()
    days = [first + timedelta(days=n) for n in range(-1, LOOK_AHEAD.days)]
    full = rule_facts.full_days(LimitQuery(schedule, service, able, refused.customer_id, first), days, rows)
    ids = {member.id for member in able}
    own = refused.moving[0].entry().reference if refused.moving else b""
    calendars = {one.owner.id: one.without([own]) for one in context.calendars if one.owner.id in ids}
    point = refused.point(service)
    legs = travel_time.roads(schedule, schedule.policy(service).travel, context.calendars, point)
    here = {(one.starts_at, one.staff_id) for one in refused.moving}

    def can_be_had(slot: Slot) -> bool:
        day = slot.starts_at.astimezone(clock).date()
        if (slot.starts_at, slot.staff.id) in here or {("", day), (slot.staff.id, day)} & full:
            return False
        new = NewEntry(entry_for(service, slot.starts_at, own, point=point), now, own)
        return (
            slot.staff.can(service.skills, day)
            and rooms_for(schedule, service, context.rooms, new) is not None
            and travel_time.in_time(schedule, calendars[slot.staff.id], new.entry, legs, now)
        )

    groups = _groups(refused, schedule, service, [*calendars.values()])
    return [
        *(slot for slot in groups if ("", slot.starts_at.astimezone(clock).date()) not in full),
        *filter(can_be_had, free_slots(schedule, service, [*calendars.values()], days, now)),
    ]


def _groups(
    refused: RefusedRequest, schedule: Schedule, service: Service, calendars: Sequence[Calendar]
) -> Iterator[Slot]:
    """The groups that stand and have the seats; none for what is moved, which stays what it is."""
    for group, slot in open_groups.offered(schedule, service, calendars, refused.now) if not refused.moving else ():
        takes_part = refused.customer_id and group.is_for(refused.customer_id)
        if (slot.seats_left or 0) >= refused.seats and not takes_part:
            yield slot


def _nearest(slots: Sequence[Slot], staff: str | None, starts_at: datetime) -> list[Slot]:
    if staff is None:
        return nearest(slots, starts_at, MOST)
    same = [slot for slot in slots if slot.staff.is_called(staff)]
    others = [slot for slot in slots if slot not in same]
    then = [slot for slot in others if slot.starts_at == starts_at][:1]
    chosen = nearest(same, starts_at, MOST - len(then)) + then
    return chosen + nearest([slot for slot in others if slot not in then], starts_at, MOST - len(chosen))


def nearest(slots: Iterable[Slot], starts_at: datetime, count: int) -> list[Slot]:
    """The `count` slots closest to an instant, one per start, in order of time."""
    by_start: dict[datetime, Slot] = {}
    for slot in slots:
        by_start.setdefault(slot.starts_at, slot)
    closest = sorted(by_start.values(), key=lambda slot: (abs(slot.starts_at - starts_at), slot.starts_at))[:count]
    return sorted(closest, key=lambda slot: slot.starts_at)
