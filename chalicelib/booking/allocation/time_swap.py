"""Taking, freeing and changing the time of an appointment that exists already."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import reduce

import msgspec

from chalicelib.booking.allocation import choose
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment, TimeSlot
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar, CalendarOwner, owner_of
from chalicelib.booking.calendar.entries import Entry, first_clash, weeks_between
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule, of_kind
from chalicelib.booking.rules import limit_store
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import fetch_map
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
        calendar_store.exchange(unit, self.calendar, self.before, after, unit.clock())


def exchanges(old: Appointment, new: Appointment) -> list[Exchange]:
    """What the change from `old` to `new` means for the calendars, which are read: one request, none if none matters.

    Staff, time, length, status and what a pending change holds may all differ between the two.
    """
    before, after = _by_calendar(old, old.places()), _by_calendar(new, new.places())
    wanted = [owner for owner in {**before, **after} if before.get(owner, ()) != after.get(owner, ())]
    weeks = {owner: _mondays(*before.get(owner, ()), *after.get(owner, ())) for owner in wanted}
    rows = fetch_map([key for owner in wanted for key in calendar_store.keys([owner], weeks[owner])])
    return [
        Exchange(calendar, new.entry().reference, before.get(owner, ()), after.get(owner, ()))
        for owner in wanted
        for calendar in calendar_store.calendars([owner], weeks[owner], rows)
    ]


def release_time(unit: Unit, appointment: Appointment, along: Sequence[tuple[Appointment, Appointment]] = ()) -> None:
    """Stage that the appointment takes no time any more, nor counts to limits; nothing when it is over already.

    `along`: others (before and after) whose times change in the same transaction, maybe in the same calendars.
    """
    if appointment.status in TAKES_TIME:
        limit_store.uncount(unit, appointment.counted)
        if appointment.group and appointment.group.participants:
            unit.enqueue(FollowGroup(company_id=appointment.company_id, appointment_id=appointment.id))
    released = msgspec.structs.replace(appointment, status="released")
    stage_together(unit, [each for old, new in ((appointment, released), *along) for each in exchanges(old, new)])


def stage_together(unit: Unit, found: Sequence[Exchange]) -> None:
    """Write exchanges of which several may be of one calendar; the unit ends as Stale when its days changed."""
    by_owner: dict[CalendarOwner, list[Exchange]] = {}
    for one in found:
        by_owner.setdefault(one.calendar.owner, []).append(one)
    for mine in by_owner.values():
        calendar = reduce(Calendar.joined, (one.calendar for one in mine))
        before = [entry for one in mine for entry in one.before]
        after = [entry for one in mine for entry in one.after]
        calendar_store.exchange(unit, calendar, before, after, unit.clock())


def change_time(unit: Unit, old: Appointment, new: Appointment) -> bool:
    """Stage that `new` takes its time and `old` gives up its own; False, and only freed, when someone is in the way."""
    found = exchanges(old, new)
    fits = all(exchange.fits(unit.clock()) for exchange in found)
    for exchange in found:
        exchange.stage(unit, only_free=not fits)
    return fits


def rooms_at(
    schedule: Schedule, service: Service, current: Appointment, place: TimeSlot, now: datetime
) -> tuple[str, ...] | None:
    """The rooms and devices for it at another place, its own rather than others; None when all of a kind are taken.

    One request, none for a service that needs no rooms.
    """
    if not service.resources:
        return ()
    entry = current.entry(place)
    owners = [owner_of(room) for kind in service.resources for room in of_kind(schedule.resources, kind)]
    found = calendar_store.read(owners, _mondays(entry))
    chosen = choose.rooms_for(
        schedule,
        service,
        found,
        entry,
        lambda calendar: not first_clash(calendar.days, entry, now, but=entry.reference),
        current.resource_ids,
    )
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


def _by_calendar(appointment: Appointment, places: Sequence[TimeSlot]) -> dict[CalendarOwner, tuple[Entry, ...]]:
    # Whoever has left the branch since still has a calendar; what is freed in it must not depend on the schedule.
    found: dict[CalendarOwner, tuple[Entry, ...]] = {}
    company_id, branch_id = appointment.company_id, appointment.branch_id
    for place in places:
        staff = CalendarOwner(company_id, place.home_branch_id or branch_id, str(place.staff_id))
        for owner in (staff, *(CalendarOwner(company_id, branch_id, room) for room in place.resource_ids)):
            found[owner] = tuple(dict.fromkeys((*found.get(owner, ()), appointment.entry(place))))
    return found


def _mondays(*entries: Entry) -> list[date]:
    return sorted({monday for e in entries for monday in weeks_between(*e.reach())})
