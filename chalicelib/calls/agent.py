"""The functions that the voice agent calls during a call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking import situation
from chalicelib.booking.availability import Slot, free_slots
from chalicelib.booking.practice import Schedule, Service
from chalicelib.calls import speech
from chalicelib.calls.phone_booking import Caller, PhoneBooking
from chalicelib.calls.recording import facts_of, locate
from chalicelib.calls.wishes import AvailabilityArgs, BookingArgs, read_args, spoken_day
from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.unit import Unit
from chalicelib.vendors.calcom import CalCom
from chalicelib.vendors.retell import FunctionCall

MOST_SLOTS = 6
DAYS_AHEAD = 7


class Tools(msgspec.Struct, frozen=True):
    """What the functions work with: units of work by company, the clock, and Cal.com, made only when it is needed."""

    begin: Callable[[str], Unit]
    clock: Clock
    calcom: Callable[[], CalCom]


def call_function(call: FunctionCall, tools: Tools) -> dict[str, Any]:
    """Do what the agent asks; returns prose in `message` and data beside it.

    Raises Invalid for arguments that make no sense and for functions that do not exist, naming each.
    """
    if call.name not in FUNCTIONS:
        raise invalid("name", "unknown_function", f"There is no function {call.name}; there are {sorted(FUNCTIONS)}.")
    facts, _ = facts_of(call.call)
    call_id, company_id, branch_id = locate(facts)
    if company_id == PLATFORM:
        return {"message": speech.UNKNOWN_NUMBER, "status": "unknown_number"}
    caller = Caller(call_id, company_id, branch_id, facts)
    return FUNCTIONS[call.name](caller, call.args, tools)


def check_availability(caller: Caller, args: dict[str, Any], tools: Tools) -> dict[str, Any]:
    """The next free times for a service: on a day, or within a week."""
    wish: AvailabilityArgs = read_args(args, AvailabilityArgs)
    branch_id = _branch(caller, wish.branch_id)
    now = tools.clock()
    schedule, service, slots = _free(caller.company_id, branch_id, wish, now)
    zone = schedule.branch.clock()
    return {
        "message": speech.free(service.name, [slot.starts_at for slot in slots], zone),
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
    }


def _free(
    company_id: str, branch_id: str, wish: AvailabilityArgs, now: datetime
) -> tuple[Schedule, Service, list[Slot]]:
    margin = timedelta(days=1)
    wanted = _rough_day(wish, now)
    last = wanted + (margin if wish.date else timedelta(days=DAYS_AHEAD))
    found = situation.read(company_id, branch_id, wanted - margin, last + margin)
    schedule = found.schedule
    service = schedule.service(wish.service, "args.service")
    able = schedule.able(service, wish.staff, "args.staff")
    today = now.astimezone(schedule.branch.clock()).date()
    first = spoken_day(wish.date, today, "args.date") if wish.date else today
    days = [first + timedelta(days=n) for n in range(1 if wish.date else DAYS_AHEAD)]
    by_start: dict[datetime, Slot] = {}
    calendars = [(calendar.staff, calendar.days) for calendar in found.calendars if calendar.staff in able]
    for slot in free_slots(schedule, service, calendars, days, now):
        by_start.setdefault(slot.starts_at, slot)
    return schedule, service, _spread(list(by_start.values()))


def _rough_day(wish: AvailabilityArgs, now: datetime) -> datetime:
    # Before the branch's zone is known, so that the calendars can be read along with its schedule.
    if wish.date is None:
        return now
    day = spoken_day(wish.date, now.date() - timedelta(days=1), "args.date")
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _spread(slots: list[Slot]) -> list[Slot]:
    # A caller cannot choose among forty times: a few over the whole range say more.
    if len(slots) <= MOST_SLOTS:
        return slots
    step = len(slots) / MOST_SLOTS
    return [slots[int(n * step)] for n in range(MOST_SLOTS)]


def book_appointment(caller: Caller, args: dict[str, Any], tools: Tools) -> dict[str, Any]:
    """Book the wished time; see `PhoneBooking`."""
    wish: BookingArgs = read_args(args, BookingArgs)
    branch_id = _branch(caller, wish.branch_id)
    return PhoneBooking(caller, branch_id, wish, args, tools.begin, tools.clock).run(tools.calcom)


def _branch(caller: Caller, wanted: str | None) -> str:
    branch_id = wanted or caller.branch_id
    if branch_id is None:
        raise NotFound("branch_not_found", "The number called belongs to no branch, and the function names none.")
    return branch_id


FUNCTIONS: dict[str, Callable[[Caller, dict[str, Any], Tools], dict[str, Any]]] = {
    "check_availability": check_availability,
    "book_appointment": book_appointment,
}
