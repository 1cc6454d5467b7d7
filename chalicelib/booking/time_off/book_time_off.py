"""Time off: taken in the calendar like a booking, so that whoever books sees it fresh."""

from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Kind
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.events import TimeOffTaken, TimeOffWithdrawn
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.time_off import store as time_off_store
from chalicelib.booking.time_off.absence import TimeOff
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.ids import id_from_bytes, new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import UnitFactory

LONGEST = timedelta(days=366)
BUSY = "Many are booking these days at once; try again in a moment."


class TimeOffRequest(msgspec.Struct, frozen=True):
    """When someone is to be away, and why."""

    staff_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str = ""

    def check(self, now: datetime) -> None:
        """Raises Invalid for times that make no sense."""
        first, last = to_utc(self.starts_at), to_utc(self.ends_at)
        for name, instant in (("starts_at", first), ("ends_at", last)):
            if instant.second or instant.microsecond:
                raise invalid(f"body.{name}", "not_a_minute", "Time off starts and ends on a whole minute.")
        if last <= first:
            raise invalid("body.ends_at", "empty_range", "Time off ends after it starts.")
        if abs(first - now) > FURTHEST:
            raise invalid("body.starts_at", "too_far", "Time off starts within two years from now.")
        if last - first > LONGEST:
            sentence = "Time off lasts a year at most; remove the member of staff instead."
            raise invalid("body.ends_at", "too_long", sentence)


def take(
    new_unit: UnitFactory, company_id: str, request: TimeOffRequest, clock: Clock
) -> tuple[TimeOff, list[Appointment]]:
    """Take time off; also returns the appointments that lie in it, which stay until someone moves or cancels them.

    Raises NotFound for someone who is not there, Invalid for times that make no sense.
    """
    request.check(clock())
    member = practice_store.get(Staff, company_id, request.staff_id)

    def attempt() -> tuple[TimeOff, list[Appointment]]:
        off = TimeOff(
            id=new_id("off"),
            company_id=company_id,
            staff_id=member.id,
            starts_at=to_utc(request.starts_at),
            ends_at=to_utc(request.ends_at),
            reason=request.reason,
            created_at=clock(),
        )
        calendar = calendar_store.read(owner_of(member), off.starts_at, off.ends_at)
        taken = (off, _in_the_way(off, calendar))
        unit = new_unit()
        calendar_store.exchange(unit, calendar, (), off.entries(), off.created_at)
        time_off_store.add(unit, off)
        unit.publish(TimeOffTaken(time_off_id=off.id, staff_id=member.id, starts_at=off.starts_at, ends_at=off.ends_at))
        unit.audit("time_off.taken", off.id, ("starts_at", "ends_at"), staff=member.id)
        unit.commit(taken)
        return taken

    return until_committed(attempt, "calendar_busy", BUSY)


def withdraw(new_unit: UnitFactory, company_id: str, staff_id: str, time_off_id: str) -> None:
    """Give the time back; raises NotFound."""

    def attempt() -> None:
        off = time_off_store.find(company_id, staff_id, time_off_id)
        if off is None:
            raise NotFound("time_off_not_found", f"There is no time off {time_off_id}.")
        member = practice_store.find(Staff, company_id, staff_id)
        assert member is not None, "time off belongs to a member of staff"
        calendar, unit = calendar_store.read(owner_of(member), off.starts_at, off.ends_at), new_unit()
        calendar_store.exchange(unit, calendar, off.entries(), (), unit.clock())
        time_off_store.remove(unit, off)
        unit.publish(
            TimeOffWithdrawn(time_off_id=off.id, staff_id=staff_id, starts_at=off.starts_at, ends_at=off.ends_at)
        )
        unit.audit("time_off.withdrawn", off.id, staff=staff_id)
        unit.commit()

    until_committed(attempt, "calendar_busy", BUSY)


def _in_the_way(off: TimeOff, calendar: Calendar) -> list[Appointment]:
    pieces = off.entries()
    ids = sorted(
        id_from_bytes("apt", entry.reference)
        for entry in calendar.entries()
        if entry.kind in (Kind.BOOKING, Kind.GROUP) and any(piece.clashes(entry, off.created_at) for piece in pieces)
    )
    found = appointment_store.appointments_of(dict.fromkeys(ids, off.company_id)).values()
    return sorted(found, key=lambda appointment: appointment.starts_at)
