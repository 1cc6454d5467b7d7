"""Time off: taken in the calendar like a booking, so that whoever books sees it fresh."""

from datetime import datetime, timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import Kind, weeks_between
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.events import TimeOffTaken, TimeOffWithdrawn
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.time_off.absence import MINUTE, TimeOff
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import NotFound, Stale, Unavailable, invalid
from chalicelib.core.ids import id_from_bytes, new_id
from chalicelib.core.tables import fetch
from chalicelib.core.unit import UnitFactory

LONGEST = timedelta(days=366)
TRIES = 12


def take(
    new_unit: UnitFactory,
    company_id: str,
    staff_id: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    clock: Clock,
) -> tuple[TimeOff, list[Appointment]]:
    """Take time off; also returns the appointments that lie in it, which stay until someone moves or cancels them.

    Raises NotFound for someone who is not there, Invalid for times that make no sense.
    """
    first, last = to_utc(starts_at), to_utc(ends_at)
    _check(first, last, clock())
    member = practice_store.get(Staff, company_id, staff_id)
    for _ in range(TRIES):
        now = clock()
        wanted = TimeOff(
            id=new_id("off"), company_id=company_id, staff_id=staff_id, starts_at=first, ends_at=last, reason=reason,
            created_at=now,
        )  # fmt: skip
        calendar = _calendar(member, wanted)
        taken = (wanted, _in_the_way(wanted, calendar))
        unit = new_unit()
        calendar_store.take_all(unit, calendar, wanted.entries(), now)
        practice_store.add_time_off(unit, wanted)
        unit.publish(TimeOffTaken(time_off_id=wanted.id, staff_id=staff_id, starts_at=first, ends_at=last))
        unit.audit("time_off.taken", wanted.id, ("starts_at", "ends_at"), staff=staff_id)
        try:
            unit.commit(taken)
            return taken
        except Stale:
            continue
    raise Unavailable("calendar_busy", "Many are booking these days at once; try again in a moment.")


def _check(first: datetime, last: datetime, now: datetime) -> None:
    for name, instant in (("starts_at", first), ("ends_at", last)):
        if instant.second or instant.microsecond:
            raise invalid(f"body.{name}", "not_a_minute", "Time off starts and ends on a whole minute.")
    if last <= first:
        raise invalid("body.ends_at", "empty_range", "Time off ends after it starts.")
    if abs(first - now) > FURTHEST:
        raise invalid("body.starts_at", "too_far", "Time off starts within two years from now.")
    if last - first > LONGEST:
        raise invalid("body.ends_at", "too_long", "Time off lasts a year at most; remove the member of staff instead.")


def withdraw(new_unit: UnitFactory, company_id: str, staff_id: str, time_off_id: str) -> None:
    """Give the time back; raises NotFound."""
    for _ in range(TRIES):
        found = practice_store.find_time_off(company_id, staff_id, time_off_id)
        if found is None:
            raise NotFound("time_off_not_found", f"There is no time off {time_off_id}.")
        member = practice_store.find(Staff, company_id, staff_id)
        assert member is not None, "time off belongs to a member of staff"
        entries = found.entries()
        unit = new_unit()
        days = [day for entry in entries for day in entry.days()]
        calendar_store.free(unit, _calendar(member, found), entries[0].reference, days)
        practice_store.remove_time_off(unit, found)
        unit.publish(
            TimeOffWithdrawn(time_off_id=found.id, staff_id=staff_id, starts_at=found.starts_at, ends_at=found.ends_at)
        )
        unit.audit("time_off.withdrawn", found.id, staff=staff_id)
        try:
            unit.commit()
            return
        except Stale:
            continue
    raise Unavailable("calendar_busy", "Many are booking these days at once; try again in a moment.")


def _calendar(member: Staff, off: TimeOff) -> Calendar:
    mondays = weeks_between(off.starts_at, off.ends_at - MINUTE)
    rows = fetch(calendar_store.keys(member.company_id, [member], mondays))
    return calendar_store.calendars(member.company_id, [member], mondays, rows)[0]


def _in_the_way(off: TimeOff, calendar: Calendar) -> list[Appointment]:
    wanted = off.entries()
    ids = {
        id_from_bytes("apt", entry.reference)
        for entry in calendar.entries()
        if entry.kind in (Kind.BOOKING, Kind.GROUP) and any(piece.clashes(entry, off.created_at) for piece in wanted)
    }
    rows = fetch([appointment_store.appointment_key(off.company_id, one) for one in sorted(ids)])
    found = [appointment for appointment in map(appointment_store.appointment_of, rows) if appointment]
    return sorted(found, key=lambda appointment: appointment.starts_at)
