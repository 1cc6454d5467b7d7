"""Taking, freeing and changing the time of an appointment that exists already."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking import calendars, store
from chalicelib.booking.appointment import Appointment, Place
from chalicelib.booking.calendars import Calendar
from chalicelib.booking.occupancy import Entry, first_clash, weeks_between
from chalicelib.booking.practice import Schedule, Staff
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit


class Exchange(msgspec.Struct, frozen=True):
    """What an appointment takes of one calendar before a change and after it, with the calendar as it was read."""

    calendar: Calendar
    reference: bytes
    before: tuple[Entry, ...]
    after: tuple[Entry, ...]

    def fits(self, now: datetime) -> bool:
        """Whether nobody else is in the way of what it takes afterwards."""
        return not any(first_clash(self.calendar.days, entry, now, but=self.reference) for entry in self.after)

    def stage(self, unit: Unit, *, only_free: bool = False) -> None:
        """Write it in the unit, which ends as Stale when the calendar's days changed since they were read."""
        after = () if only_free else self.after
        calendars.exchange(unit, self.calendar, self.reference, self.before, after, unit.clock())


def exchanges(old: Appointment, new: Appointment) -> list[Exchange]:
    """What the change from `old` to `new` means for the calendars, which are read: one request, none if none matters.

    Staff, time, length, status and what a pending change holds may all differ between the two.
    """
    before, after = _by_calendar(old, old.places()), _by_calendar(new, new.places())
    wanted = [owner for owner in {**before, **after} if before.get(owner, ()) != after.get(owner, ())]
    members = [_member(old.company_id, *owner) for owner in wanted]
    mondays = [_mondays(*before.get(owner, ()), *after.get(owner, ())) for owner in wanted]
    keys = [calendars.keys(old.company_id, [m], weeks) for m, weeks in zip(members, mondays, strict=True)]
    rows = fetch([key for mine in keys for key in mine])
    found = []
    for owner, member, weeks in zip(wanted, members, mondays, strict=True):
        mine, rows = rows[: len(weeks)], rows[len(weeks) :]
        calendar = calendars.calendars(old.company_id, [member], weeks, mine)[0]
        found.append(Exchange(calendar, new.entry().reference, before.get(owner, ()), after.get(owner, ())))
    return found


def release_time(unit: Unit, appointment: Appointment) -> None:
    """Stage that the appointment takes no time any more; nothing when it took none."""
    for exchange in exchanges(appointment, msgspec.structs.replace(appointment, status="released")):
        exchange.stage(unit)


def change_time(unit: Unit, old: Appointment, new: Appointment) -> bool:
    """Stage that `new` takes its time and `old` gives up its own; False, and only freed, when someone is in the way."""
    found = exchanges(old, new)
    fits = all(exchange.fits(unit.clock()) for exchange in found)
    for exchange in found:
        exchange.stage(unit, only_free=not fits)
    return fits


def read_calendar(company_id: str, member: Staff, *entries: Entry) -> Calendar:
    """The weeks of a member's calendar that the entries touch."""
    mondays = _mondays(*entries)
    rows = fetch(calendars.keys(company_id, [member], mondays))
    return calendars.calendars(company_id, [member], mondays, rows)[0]


def staff_of(schedule: Schedule, staff_id: str | None) -> Staff | None:
    """The member of staff of that id."""
    return next((member for member in schedule.staff if member.id == staff_id), None)


def schedule_for(appointment: Appointment) -> Schedule:
    """The schedule of the appointment's branch; raises NotFound."""
    return store.get_schedule(appointment.company_id, appointment.branch_id)


def _by_calendar(appointment: Appointment, places: Sequence[Place]) -> dict[tuple[str, str], tuple[Entry, ...]]:
    found: dict[tuple[str, str], tuple[Entry, ...]] = {}
    for place in places:
        owner = (place.home_branch_id or appointment.branch_id, str(place.staff_id))
        found[owner] = tuple(dict.fromkeys((*found.get(owner, ()), appointment.entry(place))))
    return found


def _member(company_id: str, home_branch_id: str, staff_id: str) -> Staff:
    # Whoever has left the branch since still has his calendar, and what is freed in it must not depend on the schedule.
    return Staff(id=staff_id, company_id=company_id, name="", home_branch_id=home_branch_id, hours={}, service_ids=())


def _mondays(*entries: Entry) -> list[date]:
    return sorted({monday for e in entries for monday in weeks_between(e.blocks_from, e.blocks_until)})
