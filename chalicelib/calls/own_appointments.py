"""Which appointments a caller may hear of and touch: those of their number, or the one whose name and date they know.

A mismatch says nothing: a wrong name, a wrong day and an appointment that never was are answered alike.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.function_args import WhichArgs
from chalicelib.calls.function_context import FunctionContext, tried_guard
from chalicelib.calls.names import same_name
from chalicelib.calls.time_parsing import any_day
from chalicelib.core import guards
from chalicelib.core.errors import invalid
from chalicelib.core.guards import Guard
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.tables import fetch, fetch_map
from chalicelib.core.unit import UnitFactory
from chalicelib.crm import store as crm

COMING = frozenset({"held", "requested", "confirmed"})
MOST_LISTED = 10
MOST_ATTEMPTS = 3
"""Pairs of name and date that a caller may try in one call; the same pair again does not count."""
MOST_IN_A_DAY = 500
KEEP_ATTEMPTS = timedelta(days=1)
Outcome = Literal["found", "name_it", "not_found", "too_many_attempts"]


class Known(msgspec.Struct, frozen=True):
    """An appointment with the schedule of its branch."""

    appointment: Appointment
    schedule: Schedule

    @property
    def day(self) -> date:
        """Its local date."""
        return self.appointment.starts_at.astimezone(self.schedule.branch.clock()).date()

    @property
    def service(self) -> str:
        """The service's name."""
        service_id = self.appointment.sold_as
        found = (s.name for s in self.schedule.services if s.id == service_id)
        return next(found, service_id)

    @property
    def staff(self) -> str | None:
        """The name of who does it."""
        return next((m.name for m in self.schedule.staff if m.id == self.appointment.staff_id), None)


class Found(msgspec.Struct, frozen=True):
    """The appointments that they may touch and may mean. `uncertain`: they may mean another than the only one."""

    outcome: Outcome
    known: tuple[Known, ...] = ()
    uncertain: bool = False


def find(context: FunctionContext, which: WhichArgs, new_unit: UnitFactory) -> Found:
    """What the caller may mean: their number's coming appointments, or those of the name and date they give.

    One Query for their number; for name and date also a commit that counts the attempt, the day of the branch and its
    customers. Raises Invalid for a date that is none.
    """
    day = any_day(which.date, context.schedule.branch, context.now, "args.date") if which.date else None
    mine = _of_number(context)
    chosen = [known for known in mine if _meant(known, which.appointment_id, day)]
    if chosen and (which.appointment_id or not which.name or _is_called(context, which.name)):
        return Found("found", tuple(chosen))
    facts = Found("name_it")
    if which.name and day:
        facts = _by_facts(context, which.name, day, which.appointment_id, new_unit)
    if mine and not facts.known:
        return Found("found", tuple(chosen or mine), uncertain=True)
    return facts


def _is_called(context: FunctionContext, name: str) -> bool:
    # Someone else's name from this number: it may be about someone else's appointment.
    customer = crm.find_customer(context.company_id, context.customer_id or "none")
    return customer is not None and same_name(customer.name, name)


def _of_number(context: FunctionContext) -> list[Known]:
    if context.customer_id is None:
        return []
    # The index may lag behind by a moment: what was booked in this very call is looked at by its id.
    theirs = AppointmentFilter(
        company_id=context.company_id, by="customer", record_id=context.customer_id, starts_from=context.now
    )
    found = appointment_store.page_appointments(theirs, 2 * MOST_LISTED).data
    booked = context.call.link.appointment_id if context.call else None
    if booked and all(one.id != booked for one in found):
        just_now = appointment_store.find_appointment(context.company_id, booked)
        if just_now and just_now.is_for(context.customer_id):
            found = sorted([*found, just_now.seen_by(context.customer_id)], key=lambda one: one.starts_at)
    return _known(context, _as_one([one for one in found if _is_coming(one, context.now)])[:MOST_LISTED])


def _by_facts(
    context: FunctionContext, name: str, day: date, appointment_id: str | None, new_unit: UnitFactory
) -> Found:
    if not _may_try(context, name, day, new_unit):
        return Found("too_many_attempts")
    that_day = _as_one([one for one in _on_day(context, day) if _is_coming(one, context.now)])
    ids = list(dict.fromkeys(one.customer_id for one in that_day))
    people = map(crm.customer_of, fetch([crm.key(context.company_id, customer_id) for customer_id in ids]))
    named = {person.id for person in people if person and same_name(person.name, name)}
    # Two people of one name on one day: which of them is calling cannot be told.
    meant = [one for one in that_day if one.customer_id in named] if len(named) == 1 else []
    known = [one for one in _known(context, meant) if _meant(one, appointment_id, day)]
    return Found("found", tuple(known)) if known else Found("not_found")


def _on_day(context: FunctionContext, day: date) -> list[Appointment]:
    clock = context.schedule.branch.clock()
    try:
        first, last = local_instant(day, 0, clock), local_instant(day, 1440, clock)
    except OverflowError:
        raise invalid("args.date", "not_a_date", "Nobody has an appointment on that day.") from None
    of_the_day = AppointmentFilter(
        company_id=context.company_id,
        by="branch",
        record_id=context.schedule.branch.id,
        starts_from=first,
        starts_until=last,
    )
    found: list[Appointment] = []
    cursor: str | None = None
    while len(found) < MOST_IN_A_DAY:
        page = appointment_store.page_appointments(of_the_day, 100, cursor)
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _may_try(context: FunctionContext, name: str, day: date, new_unit: UnitFactory) -> bool:
    """Count the attempt before anything is looked at, so that guesses at the same moment all count."""
    guard = tried_guard(context.caller)
    pair = hashlib.sha256(f"{guard}#{name.casefold()}#{day}".encode()).hexdigest()
    read = known_first(context.tried, lambda: guards.find(guard, context.now))

    def attempt() -> bool:
        seen = read()
        pairs = seen.data.split(",") if seen and seen.data else []
        if pair in pairs:
            return True
        if len(pairs) >= MOST_ATTEMPTS:
            return False
        unit = new_unit()
        counted = Guard(until=context.now + KEEP_ATTEMPTS, data=",".join([*pairs, pair]))
        guards.save(unit, guard, counted, seen)
        unit.commit()
        return True

    return until_committed(attempt)


def _known(context: FunctionContext, appointments: Sequence[Appointment]) -> list[Known]:
    schedules = {context.schedule.branch.id: context.schedule}
    others = {one.branch_id for one in appointments} - set(schedules)
    keys = {branch_id: practice_store.schedule_key(context.company_id, branch_id) for branch_id in others}
    rows = fetch_map(keys.values())
    schedules |= {branch_id: practice_store.schedule_of(rows[key], branch_id) for branch_id, key in keys.items()}
    return [Known(one, schedules[one.branch_id]) for one in appointments]


def _meant(known: Known, appointment_id: str | None, day: date | None) -> bool:
    return appointment_id in (None, known.appointment.id) and day in (None, known.day)


def _as_one(appointments: Sequence[Appointment]) -> list[Appointment]:
    """A package is one to whoever comes to it: by its first part of these."""
    return list({one.package.id if one.package else one.id: one for one in reversed(appointments)}.values())[::-1]


def _is_coming(appointment: Appointment, now: datetime) -> bool:
    return appointment.status in COMING and appointment.starts_at > now
