"""The nearest times that can be had instead of one that cannot, each bookable as given."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation import choose
from chalicelib.booking.allocation import context as booking_context
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives import other_branches, package_search
from chalicelib.booking.alternatives.refusal import RefusedRequest
from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.staff_slots import Calendars, Slot, free_slots, nearest
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.entries import Entry, Kind, first_clash
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.core.tables import fetch
from chalicelib.crm.customer import Contact

MOST = 3
LOOK_BACK = timedelta(days=1)
LOOK_AHEAD = timedelta(days=7)


def offered(sought: RefusedRequest, *, consultation: bool = False) -> list[dict[str, Any]]:
    """Up to three times nearest to the one sought: with the same staff, with others at that time, then with others;
    and one in another branch, or as many as are missing here.

    Read anew and for a week ahead: one request more for this branch and three for the others, which only who is
    refused waits for.
    """
    service_id = sought.service.consultation_id if consultation else sought.service.id
    first, last = sought.starts_at - LOOK_BACK, sought.starts_at + LOOK_AHEAD
    found = booking_context.read(sought.company_id, sought.branch_id, first, last, service=service_id)
    here = offered_in(sought, found, consultation=consultation)
    return here + _elsewhere(sought, found.schedule, str(service_id), MOST + 1 - len(here), consultation)


def offered_in(
    sought: RefusedRequest, found: BookingContext, rows: rule_facts.Rows | None = None, *, consultation: bool = False
) -> list[dict[str, Any]]:
    """The same in this branch, of what was read: calendars from a day before to a week after, counters as in `rows`."""
    service_id = sought.service.consultation_id if consultation else sought.service.id
    service = found.schedule.find_service(str(service_id))
    if service is None:
        return []
    if service.parts:
        return package_search.offered(sought, found, service)
    if not consultation:
        service = msgspec.structs.replace(service, duration_min=sought.service.duration_min)
    slots = _bookable(sought, found, service, rows or {})
    chosen = _nearest(slots, None if consultation else sought.staff, sought.starts_at)
    return [_shown(found.schedule, service, slot) for slot in chosen]


def _elsewhere(
    sought: RefusedRequest, schedule: Schedule, service_id: str, most: int, consultation: bool
) -> list[dict[str, Any]]:
    """The nearest times in other branches; nothing for what stands, which stays in its branch."""
    if sought.moving or sought.own or not sought.elsewhere or schedule.find_service(service_id) is None:
        return []
    near = sought.address.point() if sought.address and sought.service.mobile else None
    first, last = sought.starts_at - LOOK_BACK, sought.starts_at + LOOK_AHEAD
    found = other_branches.others(schedule, service_id, first, last, near, published=sought.published)
    times: list[tuple[timedelta, int, dict[str, Any]]] = []
    for number, situated in enumerate(found):
        offer = situated.schedule.find_service(service_id)
        service = other_branches.as_asked(offer, None if consultation else sought.length_min) if offer else None
        if service is None or (sought.published and not service.published):
            continue
        for shown in _there(sought, situated, service, most):
            times.append((abs(datetime.fromisoformat(shown["starts_at"]) - sought.starts_at), number, shown))
    return [shown for _, _, shown in sorted(times, key=lambda one: one[:2])[:most]]


def _there(sought: RefusedRequest, found: BookingContext, service: Service, most: int) -> list[dict[str, Any]]:
    if service.parts:
        return package_search.offered(sought, found, service)
    slots = nearest(_bookable(sought, found, service, {}), sought.starts_at, most)
    return [_shown(found.schedule, service, slot) for slot in slots]


def _shown(schedule: Schedule, service: Service, slot: Slot) -> dict[str, Any]:
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


def _bookable(sought: RefusedRequest, found: BookingContext, service: Service, rows: rule_facts.Rows) -> list[Slot]:
    schedule, clock = found.schedule, found.schedule.branch.clock()
    able = [m for m in schedule.able(service, None, "service") if m.published or not sought.published]
    days = [sought.starts_at.astimezone(clock).date() + timedelta(days=n) for n in range(-1, LOOK_AHEAD.days)]
    moving = sought.moving
    own = moving.entry().reference if moving else b""
    here = (moving.starts_at, moving.staff_id) if moving else None
    members = {member.id: member for member in able}
    free = [(members[c.owner.id], c.days) for c in found.calendars if c.owner.id in members]
    full = full_days(sought, found, service, able, days, rows)
    if service.mobile and sought.address is None:
        return []
    ways = travel_time.roads(schedule.policy(service).travel, found.calendars, _point(sought, service))
    slots = []
    for slot in free_slots(schedule, service, free, days, sought.now, own):
        day = slot.starts_at.astimezone(clock).date()
        if (slot.starts_at, slot.staff.id) == here or {("", day), (slot.staff.id, day)} & full:
            continue
        entry = _entry(sought, service, slot, own)
        calendar = found.calendar(slot.staff.id)
        if not slot.staff.can(service.skills, day) or not _rooms_free(sought, found, service, entry):
            continue
        if calendar and travel_time.in_time(schedule, calendar.without([own]), entry, ways, sought.now):
            slots.append(slot)
    groups = [
        slot
        for slot in _groups(sought, found, service, free)
        if ("", slot.starts_at.astimezone(clock).date()) not in full
    ]
    return [*groups, *slots]


def _groups(sought: RefusedRequest, found: BookingContext, service: Service, free: Calendars) -> Iterator[Slot]:
    """The groups that stand and have the seats; none for what is moved, which stays what it is."""
    if sought.moving:
        return
    for group, slot in open_groups.offered(found.schedule, service, free, sought.now):
        mine = sought.customer_id and group.is_for(sought.customer_id)
        if (slot.seats_left or 0) >= sought.seats and not mine:
            yield slot


def _point(sought: RefusedRequest, service: Service) -> Point | None:
    return sought.address.point() if sought.address and service.mobile else None


def _entry(sought: RefusedRequest, service: Service, slot: Slot, own: bytes) -> Entry:
    return Entry(
        slot.starts_at,
        service.duration_min,
        service.buffer_before_min,
        service.buffer_after_min,
        Kind.BOOKING,
        service.number,
        own,
        point=_point(sought, service),
    )


def _rooms_free(sought: RefusedRequest, found: BookingContext, service: Service, entry: Entry) -> bool:
    if not service.resources:
        return True
    rooms = choose.rooms_for(
        found.schedule,
        service,
        found.rooms,
        entry,
        lambda calendar: not first_clash(calendar.days, entry, sought.now, but=entry.reference),
    )
    return rooms is not None


def full_days(
    sought: RefusedRequest,
    found: BookingContext,
    service: Service,
    able: Sequence[Staff],
    days: Sequence[date],
    rows: rule_facts.Rows | None = None,
) -> set[tuple[str, date]]:
    """The days on which a limit is reached: of a member of staff, or ("") of everyone."""
    schedule, customer_id = found.schedule, sought.customer_id
    asked = [
        key for day in days for key in rule_facts.keys(sought.company_id, schedule, service, able, customer_id, day)
    ]
    known = rows or {}
    missing = [key for key in asked if key not in known]
    read = known | dict(zip(missing, fetch(missing), strict=True))
    full = set()
    for day in days:
        seen = rule_facts.found(sought.company_id, schedule, service, able, customer_id, Contact(), day, read)
        for tally in seen.tallies:
            if tally.booked >= tally.most:
                full.add((tally.record_id if tally.what == "staff" else "", day))
    return full


def _nearest(slots: Sequence[Slot], staff: str | None, wanted: datetime) -> list[Slot]:
    if staff is None:
        return nearest(slots, wanted, MOST)
    name = staff.strip().casefold()
    mine = [slot for slot in slots if slot.staff.id == staff or slot.staff.name.casefold() == name]
    others = [slot for slot in slots if slot not in mine]
    then = [slot for slot in others if slot.starts_at == wanted][:1]
    chosen = nearest(mine, wanted, MOST - len(then)) + then
    return chosen + nearest([s for s in others if s not in then], wanted, MOST - len(chosen))
