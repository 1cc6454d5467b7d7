"""Which appointments a caller may hear of and touch: those of his number, or the one whose name and date he knows.

A mismatch says nothing: a wrong name, a wrong day and an appointment that never was are answered alike.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.calls.function_args import WhichArgs
from chalicelib.calls.function_context import TRIES, FunctionContext, attempts_key
from chalicelib.calls.names import same_name
from chalicelib.calls.time_parsing import any_day
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.errors import Stale, invalid
from chalicelib.core.rows import GuardRow
from chalicelib.core.tables import fetch, fetch_map, fetch_one
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
    """The appointments that he may touch and may mean. `ask`: it is not sure that he means the only one of them."""

    outcome: Outcome
    known: tuple[Known, ...] = ()
    ask: bool = False


def find(asked: FunctionContext, which: WhichArgs, new_unit: UnitFactory) -> Found:
    """What the caller may mean: his number's coming appointments, or those of the name and date he gives.

    One Query for his number; for name and date also a commit that counts the attempt, the day of the branch and its
    customers. Raises Invalid for a date that is none.
    """
    day = any_day(which.date, asked.schedule.branch, asked.now, "args.date") if which.date else None
    mine = _of_number(asked)
    chosen = [known for known in mine if _meant(known, which.appointment_id, day)]
    if chosen and (which.appointment_id or not which.name or _is_called(asked, which.name)):
        return Found("found", tuple(chosen))
    facts = Found("name_it")
    if which.name and day:
        facts = _by_facts(asked, which.name, day, which.appointment_id, new_unit)
    if mine and not facts.known:
        return Found("found", tuple(chosen or mine), ask=True)
    return facts


def _is_called(asked: FunctionContext, name: str) -> bool:
    # Someone else's name from this number: it may be about someone else's appointment.
    customer = crm.find_customer(asked.company_id, asked.customer_id or "none")
    return customer is not None and same_name(customer.name, name)


def _of_number(asked: FunctionContext) -> list[Known]:
    if asked.customer_id is None:
        return []
    # The index may lag behind by a moment: what was booked in this very call is looked at by its id.
    found = appointment_store.page_appointments(
        "customer",
        asked.customer_id,
        asked.company_id,
        starts_from=stamp(asked.now),
        starts_until=None,
        status=None,
        source=None,
        limit=2 * MOST_LISTED,
        cursor=None,
    ).data
    booked = asked.call.link.appointment_id if asked.call else None
    if booked and all(one.id != booked for one in found):
        just_now = appointment_store.find_appointment(asked.company_id, booked)
        if just_now and just_now.is_for(asked.customer_id):
            found = sorted([*found, just_now.seen_by(asked.customer_id)], key=lambda one: one.starts_at)
    return _known(asked, _as_one([one for one in found if _is_coming(one, asked.now)])[:MOST_LISTED])


def _by_facts(asked: FunctionContext, name: str, day: date, appointment_id: str | None, new_unit: UnitFactory) -> Found:
    if not _may_try(asked, name, day, new_unit):
        return Found("too_many_attempts")
    that_day = _as_one([one for one in _on_day(asked, day) if _is_coming(one, asked.now)])
    ids = list(dict.fromkeys(one.customer_id for one in that_day))
    people = map(crm.customer_of, fetch([crm.key(asked.company_id, customer_id) for customer_id in ids]))
    named = {person.id for person in people if person and same_name(person.name, name)}
    # Two people of one name on one day: which of them is calling cannot be told.
    meant = [one for one in that_day if one.customer_id in named] if len(named) == 1 else []
    known = [one for one in _known(asked, meant) if _meant(one, appointment_id, day)]
    return Found("found", tuple(known)) if known else Found("not_found")


def _on_day(asked: FunctionContext, day: date) -> list[Appointment]:
    clock = asked.schedule.branch.clock()
    try:
        first, last = local_instant(day, 0, clock), local_instant(day, 1440, clock)
    except OverflowError:
        raise invalid("args.date", "not_a_date", "Nobody has an appointment on that day.") from None
    found: list[Appointment] = []
    cursor: str | None = None
    while len(found) < MOST_IN_A_DAY:
        page = appointment_store.page_appointments(
            "branch",
            asked.schedule.branch.id,
            asked.company_id,
            starts_from=stamp(first),
            starts_until=stamp(last),
            status=None,
            source=None,
            limit=100,
            cursor=cursor,
        )
        found += page.data
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _may_try(asked: FunctionContext, name: str, day: date, new_unit: UnitFactory) -> bool:
    """Count the attempt before anything is looked at, so that guesses at the same moment all count."""
    place = attempts_key(asked.caller)
    pair = hashlib.sha256(f"{place.pk}#{name.casefold()}#{day}".encode()).hexdigest()
    tried = asked.tried
    for _ in range(TRIES):
        pairs = tried.split(",") if tried else []
        if pair in pairs:
            return True
        if len(pairs) >= MOST_ATTEMPTS:
            return False
        unit = new_unit()
        row = GuardRow(place.pk, place.sk, data=",".join([*pairs, pair]), expires_at=epoch(asked.now + KEEP_ATTEMPTS))
        unit.put(row, GuardRow.data == tried if tried else GuardRow.pk.does_not_exist())
        try:
            unit.commit()
            return True
        except Stale:
            row = fetch_one(place)
            tried = row.data if row else None
    return False


def _known(asked: FunctionContext, appointments: Sequence[Appointment]) -> list[Known]:
    schedules = {asked.schedule.branch.id: asked.schedule}
    others = {one.branch_id for one in appointments} - set(schedules)
    keys = {branch_id: practice_store.schedule_key(asked.company_id, branch_id) for branch_id in others}
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
