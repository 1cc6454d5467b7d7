"""What a booking must know, read in one request where it can be: schedule, calendars, the customer, and what else."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.calendar import store as calendars
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Resource, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.tables import Key, fetch

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
        return {calendar.staff.id: calendar for calendar in (*self.calendars, *self.rooms)}

    def calendar(self, staff_id: str) -> Calendar | None:
        """That member's calendar."""
        return next((calendar for calendar in self.calendars if calendar.staff.id == staff_id), None)


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
    places = [practice_store.schedule_key(company_id, branch_id), *extra, *calendars.keys(company_id, hinted, mondays)]
    homes = travel_time.base_keys(company_id, branch_id, [member.home_branch_id for member in hinted])
    rows = fetch([*places, *homes])
    schedule = practice_store.schedule_of(rows[0], branch_id)
    _last_seen[company_id, branch_id] = schedule
    others, weeks, home_rows = rows[1 : 1 + len(extra)], rows[1 + len(extra) : len(places)], rows[len(places) :]
    needed = _wanted(schedule, only, service)
    if [_home(m) for m in needed] != [_home(m) for m in hinted]:
        homes = travel_time.base_keys(company_id, branch_id, [member.home_branch_id for member in needed])
        again = fetch([*calendars.keys(company_id, needed, mondays), *homes])
        weeks, home_rows = again[: len(again) - len(homes)], again[len(again) - len(homes) :]
    bases = travel_time.bases(home_rows)
    read_now = calendars.calendars(company_id, needed, mondays, weeks)
    found = [travel_time.based(calendar, schedule.branch, bases) for calendar in read_now]
    people = len(needed) - len(_rooms(schedule, service))
    return BookingContext(schedule, found[:people], mondays, others, found[people:])


def read_all(
    company_id: str, schedules: Sequence[Schedule], first: datetime, last: datetime, service: str
) -> list[BookingContext]:
    """The same of several branches whose schedules were just read; one request (for up to 100 calendars)."""
    mondays = weeks_between(first - LONGEST_BLOCKED, last + LONGEST_BLOCKED)
    wanted = [_wanted(schedule, None, service) for schedule in schedules]
    homes = [
        key
        for schedule, owners in zip(schedules, wanted, strict=True)
        for key in travel_time.base_keys(company_id, schedule.branch.id, [one.home_branch_id for one in owners])
    ]
    places = [key for owners in wanted for key in calendars.keys(company_id, owners, mondays)]
    rows = fetch([*places, *homes])
    bases, found = travel_time.bases(rows[len(places) :]), []
    for schedule, owners in zip(schedules, wanted, strict=True):
        mine, rows = rows[: len(owners) * len(mondays)], rows[len(owners) * len(mondays) :]
        read_now = calendars.calendars(company_id, owners, mondays, mine)
        based = [travel_time.based(calendar, schedule.branch, bases) for calendar in read_now]
        found.append(BookingContext(schedule, based[: len(schedule.staff)], mondays, [], based[len(schedule.staff) :]))
    return found


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


def _wanted(schedule: Schedule, only: str | None, service: str | None) -> list[Staff]:
    wanted = schedule.find_service(service) if service else None
    # The parts of a package that he does not do are done by others.
    staff = _staff(schedule, None if wanted and wanted.parts else only)
    return [*staff, *(calendars.room(resource) for resource in _rooms(schedule, service))]


def _staff(schedule: Schedule, only: str | None) -> list[Staff]:
    if only is None:
        return list(schedule.staff)
    name = only.strip().casefold()
    return [member for member in schedule.staff if member.id == only or member.name.casefold() == name]


def _rooms(schedule: Schedule, wanted: str | None) -> list[Resource]:
    service = schedule.find_service(wanted) if wanted else None
    found = [service, *(schedule.find_service(part.service_id) for part in service.parts)] if service else []
    kinds = {kind.casefold() for one in found if one for kind in one.resources}
    return [resource for resource in schedule.resources if resource.kind.casefold() in kinds]


def _guessed(company_id: str, branch_id: str, only: str | None) -> list[Staff]:
    # Someone asked for by id most likely has his calendar in this very branch; the schedule will tell.
    if only is None or not only.startswith("stf_"):
        return []
    return [Staff(id=only, company_id=company_id, name="", home_branch_id=branch_id, hours={}, service_ids=())]


def _home(member: Staff) -> tuple[str, str]:
    return member.id, member.home_branch_id
