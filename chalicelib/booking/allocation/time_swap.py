"""Taking, freeing and changing the time of appointments and holds: each calendar is swapped once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from chalicelib.booking.allocation import choose
from chalicelib.booking.allocation.choose import NewEntry
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment, TimeSlot
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, weeks_between
from chalicelib.booking.calendar.owner import CalendarOwner, owner_of
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule, of_kind
from chalicelib.booking.rules import limit_store
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import Key, fetch_map
from chalicelib.core.unit import Unit

Taken = Mapping[CalendarOwner, Sequence[Entry]]
"""What is taken of each calendar; two parts of a package may lie in one."""


class CalendarWeeks(msgspec.Struct, frozen=True):
    """The weeks of calendars in which something is taken."""

    mondays: dict[CalendarOwner, list[date]]

    def keys(self) -> list[Key]:
        """Where they lie, for a fetch together with other records."""
        return [key for owner, mondays in self.mondays.items() for key in calendar_store.keys([owner], mondays)]

    def calendars(self, rows: Mapping[Key, Any]) -> dict[CalendarOwner, Calendar]:
        """The calendars in rows fetched at `keys`."""
        found = (calendar_store.calendars([owner], mondays, rows) for owner, mondays in self.mondays.items())
        return {calendar.owner: calendar for (calendar,) in found}


class Exchange(msgspec.Struct, frozen=True):
    """What is taken of one calendar before a change and after it, with the calendar as it was read."""

    calendar: Calendar
    before: tuple[Entry, ...]
    after: tuple[Entry, ...]

    def fits(self, now: datetime) -> bool:
        """Whether nobody else is in the way of what is taken afterwards."""
        return all(NewEntry(entry, now, entry.reference).fits(self.calendar) for entry in self.after)

    def stage(self, unit: Unit, *, only_free: bool = False) -> None:
        """Write it in the unit, which ends as Stale when the calendar's days changed since they were read."""
        after = () if only_free else self.after
        calendar_store.exchange(unit, self.calendar, self.before, after, unit.clock())


def taken_by(appointments: Iterable[Appointment]) -> dict[CalendarOwner, list[Entry]]:
    """What appointments take of each calendar, at their own times and at those that pending changes hold."""
    found: dict[CalendarOwner, list[Entry]] = {}
    for appointment in appointments:
        for slot in appointment.slots():
            for owner in slot.owners(appointment.company_id, appointment.branch_id):
                entry, entries = appointment.entry(slot), found.setdefault(owner, [])
                entries += [] if entry in entries else [entry]
    return found


def weeks_of(*taken: Taken) -> CalendarWeeks:
    """The weeks that matter to what is taken."""
    mondays: dict[CalendarOwner, set[date]] = {}
    for owner, entries in (item for one in taken for item in one.items()):
        mondays.setdefault(owner, set()).update(day for entry in entries for day in weeks_between(*entry.reach()))
    return CalendarWeeks({owner: sorted(weeks) for owner, weeks in mondays.items()})


def read_calendars(*taken: Taken) -> dict[CalendarOwner, Calendar]:
    """The calendars around what is taken of them; one request."""
    weeks = weeks_of(*taken)
    return weeks.calendars(fetch_map(weeks.keys()))


def swap(unit: Unit, calendars: Mapping[CalendarOwner, Calendar], before: Taken, after: Taken, now: datetime) -> None:
    """Stage for each calendar, once, that what lay in it before goes and what lies in it afterwards comes.

    The unit ends as Stale when a calendar's days changed since they were read.
    """
    for owner in {**before, **after}:
        calendar_store.exchange(unit, calendars[owner], before.get(owner, ()), after.get(owner, ()), now)


def exchanges(*changes: tuple[Appointment, Appointment]) -> list[Exchange]:
    """What changes of appointments (before, after) mean for calendars, which are read: one request, or none.

    Staff, time, length, status and what a pending change holds may all differ between the two.
    """
    before, after = taken_by(old for old, _ in changes), taken_by(new for _, new in changes)
    changed = [owner for owner in {**before, **after} if before.get(owner) != after.get(owner)]
    taken = {owner: [*before.get(owner, ()), *after.get(owner, ())] for owner in changed}
    calendars = read_calendars(taken)
    return [Exchange(calendars[owner], tuple(before.get(owner, ())), tuple(after.get(owner, ()))) for owner in changed]


def release_time(unit: Unit, appointment: Appointment, along: Sequence[tuple[Appointment, Appointment]] = ()) -> None:
    """Stage that the appointment takes no time any more, nor counts to limits; nothing when it is over already.

    `along`: others (before and after) whose times change in the same transaction, maybe in the same calendars.
    """
    if appointment.status in TAKES_TIME:
        limit_store.uncount(unit, appointment.counted)
        if appointment.group and appointment.group.participants:
            unit.enqueue(FollowGroup(company_id=appointment.company_id, appointment_id=appointment.id))
    released = msgspec.structs.replace(appointment, status="released")
    for exchange in exchanges((appointment, released), *along):
        exchange.stage(unit)


def change_time(unit: Unit, old: Appointment, new: Appointment) -> bool:
    """Stage that `new` takes its time and `old` gives up its own; False, and only freed, when someone is in the way."""
    found = exchanges((old, new))
    fits = all(exchange.fits(unit.clock()) for exchange in found)
    for exchange in found:
        exchange.stage(unit, only_free=not fits)
    return fits


def rooms_at(
    schedule: Schedule, service: Service, current: Appointment, slot: TimeSlot, now: datetime
) -> tuple[str, ...] | None:
    """The rooms and devices for it at another time, its own rather than others; None when all of a kind are taken.

    One request, none for a service that needs no rooms.
    """
    if not service.resources:
        return ()
    entry = current.entry(slot)
    rooms = [owner_of(room) for kind in service.resources for room in of_kind(schedule.resources, kind)]
    calendars = read_calendars({room: [entry] for room in rooms})
    new = NewEntry(entry, now, entry.reference)
    chosen = choose.rooms_for(schedule, service, calendars.values(), new, current.resource_ids)
    return None if chosen is None else tuple(room.owner.id for room in chosen)


def staff_of(schedule: Schedule, staff_id: str | None) -> Staff | None:
    """The member of staff of that id."""
    return next((member for member in schedule.staff if member.id == staff_id), None)


def schedule_for(appointment: Appointment) -> Schedule:
    """The schedule of the appointment's branch, also of one that was closed for good since; raises NotFound."""
    found = practice_store.schedules(appointment.company_id, [appointment.branch_id])
    if not found:
        raise NotFound("branch_not_found", f"There is no branch {appointment.branch_id}.")
    return found[appointment.branch_id]
