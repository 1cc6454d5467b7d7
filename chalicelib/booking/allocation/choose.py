"""Choosing who does an appointment and in which rooms, among those free and able."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking.allocation.assignment import How, Preference, candidate, ranked
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.allocation.shifts import within, works
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind, first_clash
from chalicelib.booking.calendar.travel_time import in_time, roads
from chalicelib.booking.practice.geo import Roads
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


class Choosing(msgspec.Struct, frozen=True, kw_only=True):
    """How to choose. `any_hours`: working hours and skills do not count (overridden).

    `but`: the reference of one's own entries; `rooms_first`: ids of rooms that are taken rather than others.
    `roads`: how long ways take.
    """

    how: How = "least_loaded"
    preference: Preference = Preference()
    any_hours: bool = False
    but: bytes = b""
    rooms_first: tuple[str, ...] = ()
    roads: Roads = Roads()


def choose(
    found: BookingContext, service: Service, able: Iterable[Staff], entry: Entry, now: datetime, by: Choosing
) -> Choice | None:
    """Who does it, with one free resource of each required kind; None when someone or something is taken."""
    schedule = found.schedule
    day = entry.start.astimezone(schedule.branch.clock()).date()
    members = {member.id: member for member in able}
    free = {
        calendar.owner.id: calendar
        for calendar in found.calendars
        if calendar.owner.id in members
        and (by.any_hours or fit(schedule, service, members[calendar.owner.id], entry, day))
        and not first_clash(calendar.days, entry, now, but=by.but)
        and in_time(schedule, calendar.without([by.but]) if by.but else calendar, entry, by.roads, now)
    }
    if not free:
        return None
    rooms = rooms_for(
        schedule,
        service,
        found.rooms,
        entry,
        lambda calendar: not first_clash(calendar.days, entry, now, but=by.but),
        by.rooms_first,
    )
    if rooms is None:
        return None
    clock = schedule.branch.clock()
    candidates = [candidate(members[owner], calendar.entries(), day, clock) for owner, calendar in free.items()]
    member = ranked(candidates, day, by.how, by.preference)[0].member
    return Choice(member, free[member.id], rooms)


def fit(schedule: Schedule, service: Service, member: Staff, entry: Entry, day: date) -> bool:
    """Whether a member of staff has the skills on that local day and works at that time."""
    return member.can(service.skills, day) and works(schedule, member, entry)


def rooms_for(
    schedule: Schedule,
    service: Service,
    calendars: Sequence[Calendar],
    entry: Entry,
    free: Callable[[Calendar], bool],
    first: Sequence[str] = (),
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
            if within(schedule, schedule.hours_of_resource(resource), entry) and free(known[resource.id])
        )
        room = next(usable, None)
        if room is None:
            return None
        chosen.append(room)
    return tuple(chosen)


def in_time_for(found: BookingContext, service: Service, member: Staff, starts_at: datetime, now: datetime) -> bool:
    """Whether the ways from and to mobile services around it leave time for an appointment at the branch."""
    calendar = found.calendar(member.id)
    if calendar is None or not calendar.locations:
        return True
    entry = Entry(
        starts_at, service.duration_min, service.buffer_before_min, service.buffer_after_min, Kind.BOOKING,
        service.number, b"",
    )  # fmt: skip
    return in_time(found.schedule, calendar, entry, roads(found.schedule.policy(service).travel, [calendar], None), now)
