"""Choosing who does an appointment and in which rooms, among those free and able."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation.assignment import How, Preference, candidate, ranked
from chalicelib.booking.allocation.context import BranchContext
from chalicelib.booking.appointments.appointment import TimeSlot
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind, first_clash
from chalicelib.booking.calendar.travel_time import in_time, roads
from chalicelib.booking.engine.clocks import day_of, minute_of
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.windows import held_within
from chalicelib.booking.practice.geo import Point, Roads
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule, of_kind


class Choice(msgspec.Struct, frozen=True):
    """Who does it, with their calendar and those of the rooms and devices it takes place with."""

    staff: Staff
    calendar: Calendar
    rooms: tuple[Calendar, ...] = ()

    def calendars(self) -> tuple[Calendar, ...]:
        """Everything that it takes time of."""
        return (self.calendar, *self.rooms)


class PartPlacement(msgspec.Struct, frozen=True):
    """A part of a package, or a whole appointment, with its time, and who and what it takes.

    `service` on the branch's terms, with the length that it has.
    """

    service: Service
    starts_at: datetime
    staff: Staff
    room_ids: tuple[str, ...] = ()

    @property
    def ends_at(self) -> datetime:
        """When it is over; what is kept free after it comes on top."""
        return self.starts_at + timedelta(minutes=self.service.duration_min)

    def slot(self) -> TimeSlot:
        """Its time, with who and what it takes."""
        return TimeSlot(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            staff_id=self.staff.id,
            home_branch_id=self.staff.home_branch_id,
            resource_ids=self.room_ids,
        )

    def buffers(self) -> dict[str, Any]:
        """What is kept free around it, as an appointment or a hold says it."""
        return {"before_min": self.service.buffer_before_min, "after_min": self.service.buffer_after_min}


class NewEntry(msgspec.Struct, frozen=True):
    """An entry that is to go into calendars; what has the reference `but` (one's own) is in nobody's way."""

    entry: Entry
    now: datetime
    but: bytes = b""

    def fits(self, calendar: Calendar) -> bool:
        """Whether nothing in the calendar clashes with it."""
        return not first_clash(calendar.days, self.entry, self.now, but=self.but)

    def without_own(self, calendar: Calendar) -> Calendar:
        """The calendar without what is in nobody's way."""
        return calendar.without([self.but]) if self.but else calendar


class ChoiceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, when, by one of the `able`, and how to choose.

    `any_hours`: working hours and skills do not count (overridden). `rooms_first`: ids of rooms that are taken rather
    than others. `roads`: how long legs take.
    """

    service: Service
    able: Sequence[Staff]
    new: NewEntry
    how: How = "least_loaded"
    preference: Preference = Preference()
    any_hours: bool = False
    rooms_first: tuple[str, ...] = ()
    roads: Roads = Roads()


def choose(context: BranchContext, query: ChoiceQuery) -> Choice | None:
    """Who does it, with one free resource of each required kind; None when someone or something is taken."""
    schedule, new, clock = context.schedule, query.new, context.schedule.branch.clock()
    day = new.entry.start.astimezone(clock).date()
    able = {member.id: member for member in query.able}
    free = {
        calendar.owner.id: calendar
        for calendar in context.calendars
        if calendar.owner.id in able
        and (query.any_hours or fit(schedule, query.service, able[calendar.owner.id], new.entry, day))
        and new.fits(calendar)
        and in_time(schedule, new.without_own(calendar), new.entry, query.roads, new.now)
    }
    rooms = rooms_for(schedule, query.service, context.rooms, new, query.rooms_first) if free else None
    if rooms is None:
        return None
    candidates = [candidate(able[owner], calendar.entries(), day, clock) for owner, calendar in free.items()]
    member = ranked(candidates, day, query.how, query.preference)[0].member
    return Choice(member, free[member.id], rooms)


def fit(schedule: Schedule, service: Service, member: Staff, entry: Entry, day: date) -> bool:
    """Whether a member of staff has the skills on that local day and works at that time."""
    return member.can(service.skills, day) and works(schedule, member, entry)


def works(schedule: Schedule, member: Staff, entry: Entry) -> bool:
    """Whether the appointment itself lies within the member's working hours in this branch."""
    return within(schedule, schedule.hours_of(member), entry)


def within(schedule: Schedule, hours: Hours, entry: Entry) -> bool:
    """Whether the appointment itself lies within the hours."""
    start = minute_of(entry.start)
    day = day_of(schedule.branch.zone, start)
    return held_within((start, start + entry.length_min), opened(hours, day - 2, day + 2))


def rooms_for(
    schedule: Schedule, service: Service, calendars: Iterable[Calendar], new: NewEntry, first: Sequence[str] = ()
) -> tuple[Calendar, ...] | None:
    """One resource of each kind that the service requires, those with an id in `first` rather than others.

    None when all of a kind are taken, closed, or were not read.
    """
    known = {calendar.owner.id: calendar for calendar in calendars}
    chosen: list[Calendar] = []
    for kind in service.resources:
        taken = {calendar.owner.id for calendar in chosen}
        offered = [r for r in of_kind(schedule.resources, kind) if r.id in known and r.id not in taken]
        usable = (
            known[resource.id]
            for resource in sorted(offered, key=lambda r: (r.id not in first, r.id))
            if within(schedule, schedule.hours_of_resource(resource), new.entry) and new.fits(known[resource.id])
        )
        room = next(usable, None)
        if room is None:
            return None
        chosen.append(room)
    return tuple(chosen)


def entry_for(
    service: Service, starts_at: datetime, reference: bytes, kind: Kind = Kind.BOOKING, point: Point | None = None
) -> Entry:
    """What an appointment of this service would take of a calendar."""
    before, after = service.buffer_before_min, service.buffer_after_min
    return Entry(starts_at, service.duration_min, before, after, kind, service.number, reference, point=point)


def in_time_for(context: BranchContext, service: Service, member: Staff, starts_at: datetime, now: datetime) -> bool:
    """Whether the legs from and to mobile services around it leave time for an appointment at the branch."""
    calendar = context.calendar(member.id)
    if calendar is None or not calendar.locations:
        return True
    legs = roads(context.schedule, context.schedule.policy(service).travel, [calendar], None)
    return in_time(context.schedule, calendar, entry_for(service, starts_at, b""), legs, now)
