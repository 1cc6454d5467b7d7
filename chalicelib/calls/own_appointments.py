"""Which appointments a caller may hear of and touch: those of their number, or the one whose name and date they know.

A mismatch says nothing: a wrong name, a wrong day and an appointment that never was are answered alike.
"""

import hashlib
from collections.abc import Mapping, Sequence
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
from chalicelib.calls.time_parsing import any_day
from chalicelib.core import guards
from chalicelib.core.errors import invalid
from chalicelib.core.guards import Guard
from chalicelib.core.retry import known_first, until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import UnitFactory
from chalicelib.crm.names.compare import fits, name_of
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person

COMING = frozenset({"held", "requested", "confirmed"})
MOST_LISTED = 10
MOST_OF_A_NUMBER = 12
"""Persons who share a number and whose appointments are looked for; where there are more, it is an office's."""
MOST_ATTEMPTS = 3
"""Pairs of name and date that a caller may try in one call; the same pair again does not count."""
MOST_IN_A_DAY = 500
KEEP_ATTEMPTS = timedelta(days=1)
Outcome = Literal["found", "name_it", "not_found", "too_many_attempts"]


class Known(msgspec.Struct, frozen=True):
    """An appointment with the schedule of its branch. `customer`: a first name, where several have the number."""

    appointment: Appointment
    schedule: Schedule
    customer: str = ""

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
    persons = _persons(context, which)
    mine = _of_number(context, persons)
    chosen = [known for known in mine if _meant(known, which.appointment_id, day)]
    if which.name and not which.appointment_id:
        called = {person.id for person in persons.values() if _is_called(person.name, which.name)}
        theirs = [known for known in chosen if known.appointment.customer_id in called]
        if theirs:
            return Found("found", tuple(theirs))
    elif chosen:
        return Found("found", tuple(chosen))
    facts = Found("name_it")
    if which.name and day:
        facts = _by_facts(context, which.name, day, which.appointment_id, new_unit)
    if mine and not facts.known:
        return Found("found", tuple(chosen or mine), uncertain=True)
    return facts


def _persons(context: FunctionContext, which: WhichArgs) -> dict[str, Person]:
    """Whose number it is, where their names matter: several share it, or one is asked for. One request."""
    ids = context.customer_ids[:MOST_OF_A_NUMBER]
    if len(ids) < 2 and not which.name:
        return {}
    return {person.id: person for person in people.find_all(context.company_id, list(ids))}


def _is_called(known: str, said: str) -> bool:
    return fits(name_of(known), name_of(said))


def _of_number(context: FunctionContext, persons: Mapping[str, Person]) -> list[Known]:
    """The coming appointments of everybody whose number it is; a Query for each of them."""
    found = [one for customer_id in context.customer_ids[:MOST_OF_A_NUMBER] for one in _coming(context, customer_id)]
    booked = context.call.link.appointment_id if context.call else None
    if booked and all(one.id != booked for one in found):
        # The index may lag behind by a moment: what was booked in this very call is looked at by its id.
        just_now = appointment_store.find_appointment(context.company_id, booked)
        whose = [one for one in context.customer_ids if just_now and just_now.is_for(one)]
        found += [just_now.seen_by(whose[0])] if just_now and whose else []
    coming = sorted((one for one in found if _is_coming(one, context.now)), key=lambda one: one.starts_at)
    names = {key: person.first_name for key, person in persons.items()} if len(persons) > 1 else {}
    return _known(context, _as_one(coming)[:MOST_LISTED], names)


def _coming(context: FunctionContext, customer_id: str) -> list[Appointment]:
    theirs = AppointmentFilter(
        company_id=context.company_id, by="customer", record_id=customer_id, starts_from=context.now
    )
    return appointment_store.page_appointments(theirs, 2 * MOST_LISTED).data


def _by_facts(
    context: FunctionContext, name: str, day: date, appointment_id: str | None, new_unit: UnitFactory
) -> Found:
    if not _may_try(context, name, day, new_unit):
        return Found("too_many_attempts")
    that_day = _as_one([one for one in _on_day(context, day) if _is_coming(one, context.now)])
    persons = people.find_all(context.company_id, [one.customer_id for one in that_day])
    names = {person.id: person.name for person in persons}
    # What was said when it was booked comes before what is known of the customer.
    called = [one for one in that_day if _proves(_name(one) or names.get(one.customer_id, ""), name)]
    # Two people of one name on one day: which of them is calling cannot be told.
    meant = called if len({one.customer_id for one in called}) == 1 else []
    known = [one for one in _known(context, meant, {}) if _meant(one, appointment_id, day)]
    return Found("found", tuple(known)) if known else Found("not_found")


def _name(appointment: Appointment) -> str:
    return appointment.attendee.name if appointment.attendee else ""


def _proves(known: str, said: str) -> bool:
    """Whether the name is known to whoever says it: a first name alone is not, unless no more is known."""
    left, right = name_of(known), name_of(said)
    return fits(left, right) and len(right) >= min(2, len(left))


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


def _known(context: FunctionContext, appointments: Sequence[Appointment], names: Mapping[str, str]) -> list[Known]:
    schedules = {context.schedule.branch.id: context.schedule}
    others = {one.branch_id for one in appointments} - set(schedules)
    keys = {branch_id: practice_store.schedule_key(context.company_id, branch_id) for branch_id in others}
    rows = fetch_map(keys.values())
    schedules |= {branch_id: practice_store.schedule_of(rows[key], branch_id) for branch_id, key in keys.items()}
    return [Known(one, schedules[one.branch_id], names.get(one.customer_id, "")) for one in appointments]


def _meant(known: Known, appointment_id: str | None, day: date | None) -> bool:
    return appointment_id in (None, known.appointment.id) and day in (None, known.day)


def _as_one(appointments: Sequence[Appointment]) -> list[Appointment]:
    """A package is one to whoever comes to it: by its first part of these; two who share a group come to two."""
    whose = ((one.package.id if one.package else one.id, one.customer_id, one) for one in reversed(appointments))
    return list({(one_id, customer_id): one for one_id, customer_id, one in whose}.values())[::-1]


def _is_coming(appointment: Appointment, now: datetime) -> bool:
    return appointment.status in COMING and appointment.starts_at > now
