"""What a booking must know, read in one request where it can be: schedule, calendars, the customer, and what else."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.calendar import Calendar, CalendarOwner, owner_of
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Resource
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.tables import Key, fetch_map

LONGEST_BLOCKED = timedelta(hours=32)
"""A day of service and the longest buffers: no entry that touches a time begins further away."""
_last_seen: dict[tuple[str, str], Schedule] = {}
"""A branch as this process last read it: a hint which calendars to fetch with the schedule; it never decides."""


class BookingContext(msgspec.Struct, frozen=True):
    """The schedule, the calendars of everyone who matters and of the rooms, and the rows asked for along with them."""

    schedule: Schedule
    calendars: list[Calendar]
    mondays: list[date]
    extra: list[Any]
    rooms: list[Calendar] = []

    def by_owner(self) -> dict[str, Calendar]:
        """The calendars that were read, of staff and rooms, by whose they are."""
        return {calendar.owner.id: calendar for calendar in (*self.calendars, *self.rooms)}

    def calendar(self, staff_id: str) -> Calendar | None:
        """That member's calendar."""
        return next((calendar for calendar in self.calendars if calendar.owner.id == staff_id), None)


def read(
    company_id: str,
    branch_id: str,
    first: datetime,
    last: datetime,
    extra: Sequence[Key] = (),
    only: str | None = None,
    service: str | None = None,
) -> BookingContext:
    """Read the branch around `first` to `last` and the rows at `extra`.

    One request when this process has met the branch before, or when one member is asked for by id who is at home here;
    else two, since the schedule says whose calendars are needed. `only`: the id or name of the one member of staff that
    matters. `service`: its id or name, for the rooms and devices it needs. Raises NotFound when there is no such
    branch.
    """
    mondays = weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED)
    known = seen(company_id, branch_id)
    hinted = _wanted(known, only, service) if known else _guessed(company_id, branch_id, only)
    schedule_key = practice_store.schedule_key(company_id, branch_id)
    rows = fetch_map([schedule_key, *extra, *_keys(branch_id, hinted, mondays)])
    schedule = practice_store.schedule_of(rows[schedule_key], branch_id)
    _last_seen[company_id, branch_id] = schedule
    needed = _wanted(schedule, only, service)
    if [_home(owner) for owner in needed] != [_home(owner) for owner in hinted]:
        rows |= fetch_map(_keys(branch_id, needed, mondays))
    found = _calendars(schedule, needed, mondays, rows)
    people = len(needed) - len(_rooms(schedule, service))
    return BookingContext(schedule, found[:people], mondays, [rows[key] for key in extra], found[people:])


def read_all(
    company_id: str, schedules: Sequence[Schedule], first: datetime, last: datetime, service: str
) -> list[BookingContext]:
    """The same of several branches whose schedules were just read; one request (for up to 100 calendars)."""
    mondays = weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED)
    owners = {schedule.branch.id: _wanted(schedule, None, service) for schedule in schedules}
    rows = fetch_map([key for branch_id, mine in owners.items() for key in _keys(branch_id, mine, mondays)])
    contexts = []
    for schedule in schedules:
        found, people = _calendars(schedule, owners[schedule.branch.id], mondays, rows), len(schedule.staff)
        contexts.append(BookingContext(schedule, found[:people], mondays, [], found[people:]))
    return contexts


def _keys(branch_id: str, owners: Sequence[CalendarOwner], mondays: Sequence[date]) -> list[Key]:
    return [*calendar_store.keys(owners, mondays), *travel_time.base_keys(branch_id, owners)]


def _calendars(
    schedule: Schedule, owners: Sequence[CalendarOwner], mondays: Sequence[date], rows: Mapping[Key, Any]
) -> list[Calendar]:
    branch = schedule.branch
    return travel_time.with_bases(calendar_store.calendars(owners, mondays, rows), branch.id, branch.point, rows)


def seen(company_id: str, branch_id: str) -> Schedule | None:
    """The branch as this process last read it, which says what to read along with it and decides nothing."""
    return _last_seen.get((company_id, branch_id))


def fresh(company_id: str, branch_id: str) -> Schedule:
    """The branch's schedule, read now, and remembered for the next `read`; one request. Raises NotFound."""
    schedule = practice_store.get_schedule(company_id, branch_id)
    _last_seen[company_id, branch_id] = schedule
    return schedule


def forget() -> None:
    """Drop what this process remembers of branches (tests)."""
    _last_seen.clear()


def _wanted(schedule: Schedule, only: str | None, service: str | None) -> list[CalendarOwner]:
    wanted = schedule.find_service(service) if service else None
    # The parts of a package that they do not do are done by others.
    name = None if only is None or (wanted and wanted.parts) else only.strip().casefold()
    staff = [one for one in schedule.staff if name is None or one.id == only or one.name.casefold() == name]
    return [*map(owner_of, staff), *map(owner_of, _rooms(schedule, service))]


def _rooms(schedule: Schedule, wanted: str | None) -> list[Resource]:
    service = schedule.find_service(wanted) if wanted else None
    found = [service, *(schedule.find_service(part.service_id) for part in service.parts)] if service else []
    kinds = {kind.casefold() for one in found if one for kind in one.resources}
    return [resource for resource in schedule.resources if resource.kind.casefold() in kinds]


def _guessed(company_id: str, branch_id: str, only: str | None) -> list[CalendarOwner]:
    # Someone asked for by id most likely has their calendar in this very branch; the schedule will tell.
    return [CalendarOwner(company_id, branch_id, only)] if only and only.startswith("stf_") else []


def _home(owner: CalendarOwner) -> tuple[str, str]:
    return owner.id, owner.home_branch_id
