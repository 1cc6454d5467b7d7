"""The refusal of a time, with the nearest ones that can be had: each bookable as given."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking import choosing, circumstances, package_alternatives, situation
from chalicelib.booking.appointment import Appointment
from chalicelib.booking.availability import Slot, free_slots, nearest
from chalicelib.booking.occupancy import Entry, Kind, first_clash
from chalicelib.booking.practice import Service, Staff
from chalicelib.booking.rules import Failure, described
from chalicelib.booking.situation import Situation
from chalicelib.core.errors import Conflict
from chalicelib.core.tables import fetch
from chalicelib.crm.customer import Contact

MOST = 3
LOOK_BACK = timedelta(days=1)
LOOK_AHEAD = timedelta(days=7)
NO_OTHER_TIME_HELPS = frozenset({"blocklist", "deposit"})


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """A time that someone cannot have. `service` with the length asked for; `staff`: id or name, None: anyone.

    `moving`: the appointment that is to be moved: its own time is in nobody's way, and no alternative; `own`: the same
    of the parts of a package. `published`: only staff whom visitors may see.
    """

    company_id: str
    branch_id: str
    service: Service
    staff: str | None
    starts_at: datetime
    now: datetime
    customer_id: str | None = None
    moving: Appointment | None = None
    published: bool = False
    own: tuple[Appointment, ...] = ()


def slot_taken(sought: Sought) -> Conflict:
    """The refusal of a time that someone else has."""
    return Conflict("slot_taken", "This time is not free; see the alternatives.", alternatives=offered(sought))


def not_bookable(sought: Sought, failures: Sequence[Failure]) -> Conflict:
    """The refusal of what the rules do not allow; after a missing consultation, times for it are offered instead."""
    failed = {failure.rule for failure in failures}
    instead: list[dict[str, Any]] = []
    if not failed & NO_OTHER_TIME_HELPS:
        instead = offered(sought, consultation="consultation" in failed)
    detail = " ".join(failure.message for failure in failures)
    return Conflict("not_bookable", detail, failures=described(failures), alternatives=instead)


def offered(sought: Sought, *, consultation: bool = False) -> list[dict[str, Any]]:
    """Up to three times nearest to the one sought: with the same staff, with others at that time, then with others.

    Read anew and for a week ahead: one request more, which only who is refused waits for.
    """
    service_id = sought.service.consultation_id if consultation else sought.service.id
    first, last = sought.starts_at - LOOK_BACK, sought.starts_at + LOOK_AHEAD
    found = situation.read(sought.company_id, sought.branch_id, first, last, service=service_id)
    service = found.schedule.find_service(str(service_id))
    if service is None:
        return []
    if service.parts:
        return package_alternatives.offered(sought, found, service)
    if not consultation:
        service = msgspec.structs.replace(service, duration_min=sought.service.duration_min)
    slots = _bookable(sought, found, service)
    chosen = _nearest(slots, None if consultation else sought.staff, sought.starts_at)
    clock = found.schedule.branch.clock()
    return [
        {
            "starts_at": slot.starts_at.astimezone(clock).isoformat(),
            "ends_at": slot.ends_at.astimezone(clock).isoformat(),
            "branch_id": found.schedule.branch.id,
            "service_id": service.id,
            "staff_id": slot.staff.id,
            "staff": slot.staff.name,
        }
        for slot in chosen
    ]


def _bookable(sought: Sought, found: Situation, service: Service) -> list[Slot]:
    schedule, clock = found.schedule, found.schedule.branch.clock()
    able = [m for m in schedule.able(service, None, "service") if m.published or not sought.published]
    days = [sought.starts_at.astimezone(clock).date() + timedelta(days=n) for n in range(-1, LOOK_AHEAD.days)]
    moving = sought.moving
    own = moving.entry().reference if moving else b""
    here = (moving.starts_at, moving.staff_id) if moving else None
    names = {member.id for member in able}
    free = [(c.staff, c.days) for c in found.calendars if c.staff.id in names]
    full = full_days(sought, found, service, able, days)
    slots = []
    for slot in free_slots(schedule, service, free, days, sought.now, own):
        day = slot.starts_at.astimezone(clock).date()
        if (slot.starts_at, slot.staff.id) == here or {("", day), (slot.staff.id, day)} & full:
            continue
        if slot.staff.can(service.skills, day) and _rooms_free(sought, found, service, slot, own):
            slots.append(slot)
    return slots


def _rooms_free(sought: Sought, found: Situation, service: Service, slot: Slot, own: bytes) -> bool:
    if not service.resources:
        return True
    entry = Entry(
        slot.starts_at,
        service.duration_min,
        service.buffer_before_min,
        service.buffer_after_min,
        Kind.BOOKING,
        service.number,
        own,
    )
    rooms = choosing.rooms_for(
        found.schedule,
        service,
        found.rooms,
        entry,
        lambda calendar: not first_clash(calendar.days, entry, sought.now, but=own),
    )
    return rooms is not None


def full_days(
    sought: Sought, found: Situation, service: Service, able: Sequence[Staff], days: Sequence[date]
) -> set[tuple[str, date]]:
    """The days on which a limit is reached: of a member of staff, or ("") of everyone."""
    schedule, customer_id = found.schedule, sought.customer_id
    asked = [
        key for day in days for key in circumstances.keys(sought.company_id, schedule, service, able, customer_id, day)
    ]
    rows = dict(zip(asked, fetch(asked), strict=True))
    full = set()
    for day in days:
        seen = circumstances.found(sought.company_id, schedule, service, able, customer_id, Contact(), day, rows)
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
