"""Free times, as the agent offers them: a few over the day or the week that was asked for."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation.choose import in_time_for
from chalicelib.booking.allocation.context import BranchContext, CalendarFilter
from chalicelib.booking.alternatives import package_search
from chalicelib.booking.alternatives.package_search import PackageQuery
from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.branch_calendar import Slot, free_slots
from chalicelib.booking.creation.package_decision import staff_for
from chalicelib.booking.engine.clocks import moment_of
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.caller import Caller
from chalicelib.calls.function_args import AvailabilityArgs
from chalicelib.calls.speech import voice_of
from chalicelib.calls.time_parsing import FURTHEST_DAYS, coming_day, iso_day
from chalicelib.core.errors import invalid
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.people import store as people

MOST_SLOTS = 6
MOST_NAMED = 12
DAYS_AHEAD = 7


def offer(caller: Caller, branch_id: str, request: AvailabilityArgs, now: datetime) -> dict[str, Any]:
    """The next free times for a service: on a day, or within a week; and who it may be for, where several share the
    caller's number. Raises Invalid, NotFound.
    """
    schedule, service, slots, names = _free(caller, branch_id, request, now)
    zone = schedule.branch.clock()
    return {
        "message": voice_of(schedule.branch, now).free(service.name, [slot.starts_at for slot in slots]),
        "status": "free" if slots else "nothing_free",
        "slots": [
            {
                "starts_at": slot.starts_at.astimezone(zone).isoformat(),
                "ends_at": slot.ends_at.astimezone(zone).isoformat(),
                "staff_id": slot.staff.id,
                "staff": slot.staff.name,
            }
            for slot in slots
        ],
        "candidates": names,
    }


def _first_names(company_id: str, row: Any) -> list[str]:
    """Of those who share the number, where there are several; the agent asks whom it is for."""
    ids = [holder.person_id for holder in contact_points.holders_of(row).all if not holder.claimed]
    if not 1 < len(ids) <= MOST_NAMED:
        return []
    return [person.first_name for person in people.find_all(company_id, ids) if person.first_name]


def _free(
    caller: Caller, branch_id: str, request: AvailabilityArgs, now: datetime
) -> tuple[Schedule, Service, list[Slot], list[str]]:
    company_id, number = caller.company_id, caller.number
    keys = [contact_points.key(company_id, "phone", number)] if number else []
    margin = timedelta(days=1)
    day = _rough_day(company_id, branch_id, request, now)
    last = day + (margin if request.date else timedelta(days=DAYS_AHEAD))
    found = branch_context.read(
        company_id, branch_id, (day - margin, last + margin), CalendarFilter(service=request.service), keys
    )
    names = _first_names(company_id, found.rows[keys[0]]) if keys else []
    schedule = found.schedule
    service = schedule.service(request.service, "args.service")
    if service.mobile:
        sentence = f"{service.name} is done at the customer's: a colleague books it."
        raise invalid("args.service", "needs_address", sentence)
    today = now.astimezone(schedule.branch.clock()).date()
    first = coming_day(request.date, schedule.branch, now, "args.date") if request.date else today
    days = [first + timedelta(days=n) for n in range(1 if request.date else DAYS_AHEAD)]
    if service.parts:
        return schedule, service, _spread(_of_package(found, service, request, days, now)), names
    able = schedule.able(service, request.staff, "args.staff")
    by_start: dict[datetime, Slot] = {}
    ids = {member.id for member in able}
    calendars = [calendar for calendar in found.calendars if calendar.owner.id in ids]
    zone = schedule.branch.clock()
    groups = [slot for _, slot in open_groups.offered(schedule, service, calendars, now)]
    joinable = [slot for slot in groups if slot.starts_at.astimezone(zone).date() in days]
    new = (
        slot
        for slot in free_slots(schedule, service, calendars, days, now)
        if in_time_for(found, service, slot.staff, slot.starts_at, now)
    )
    for slot in (*joinable, *new):
        by_start.setdefault(slot.starts_at, slot)
    return schedule, service, _spread([by_start[starts_at] for starts_at in sorted(by_start)]), names


def _of_package(
    found: BranchContext, package: Service, request: AvailabilityArgs, days: Sequence[date], now: datetime
) -> list[Slot]:
    schedule, clock = found.schedule, found.schedule.branch.clock()
    only = staff_for(schedule, package, request.staff, path="args").only
    between = (local_instant(days[0], 0, clock), local_instant(days[-1], 1440, clock))
    query = PackageQuery(package=package, between=between, now=now, only=only)
    members = {member.id: member for member in schedule.staff}
    return [
        Slot(moment_of(slot.start), moment_of(slot.end), members[slot.parts[0].staff_id])
        for slot in package_search.free(found, query)
    ]


def _rough_day(company_id: str, branch_id: str, request: AvailabilityArgs, now: datetime) -> datetime:
    # A written day is enough to read the calendars along with the schedule; only a spoken one needs the branch first.
    if request.date is None:
        return now
    day = iso_day(request.date)
    if day is None:
        day = coming_day(request.date, branch_context.fresh(company_id, branch_id).branch, now, "args.date")
    elif not -1 <= (day - now.date()).days <= FURTHEST_DAYS:  # refused once the branch's own day is known
        return now
    return datetime.combine(day, time(), UTC)


def _spread(slots: list[Slot]) -> list[Slot]:
    # A caller cannot choose among forty times: a few over the whole range say more.
    if len(slots) <= MOST_SLOTS:
        return slots
    step = len(slots) / MOST_SLOTS
    return [slots[int(n * step)] for n in range(MOST_SLOTS)]
