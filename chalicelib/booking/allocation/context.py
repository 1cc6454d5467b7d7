"""What a booking must know of a branch, read in one request where it can be: its schedule, calendars, and what else."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import weeks_between
from chalicelib.booking.calendar.owner import CalendarOwner, owner_of
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.tables import Key, fetch_map

LONGEST_BLOCKED = timedelta(hours=32)
"""A day of service and the longest buffers: no entry that touches a time begins further away."""
_last_seen: dict[tuple[str, str], Schedule] = {}
"""A branch as this process last read it: a hint which calendars to fetch with the schedule; it never decides."""


class CalendarFilter(msgspec.Struct, frozen=True):
    """Whose calendars matter, each by id or name: the one member of `staff`, and the rooms that `service` needs."""

    staff: str | None = None
    service: str | None = None

    def staff_of(self, schedule: Schedule) -> list[CalendarOwner]:
        """The staff of a branch who matter."""
        service = schedule.find_service(self.service) if self.service else None
        # The parts of a package that the one member of staff does not do are done by others.
        if self.staff is None or (service and service.parts):
            return [owner_of(one) for one in schedule.staff]
        return [owner_of(one) for one in schedule.staff if one.is_called(self.staff)]

    def rooms_of(self, schedule: Schedule) -> list[CalendarOwner]:
        """The rooms of a branch that matter."""
        service = schedule.find_service(self.service) if self.service else None
        parts = [schedule.find_service(part.service_id) for part in service.parts] if service else []
        kinds = {kind.casefold() for one in (service, *parts) if one for kind in one.resources}
        return [owner_of(room) for room in schedule.resources if room.kind.casefold() in kinds]

    def owners(self, schedule: Schedule) -> list[CalendarOwner]:
        """Both."""
        return [*self.staff_of(schedule), *self.rooms_of(schedule)]


class BranchContext(msgspec.Struct, frozen=True, kw_only=True):
    """A branch as it was read: its schedule, the calendars of staff and rooms that matter in some weeks, other rows."""

    schedule: Schedule
    calendars: list[Calendar] = []
    rooms: list[Calendar] = []
    mondays: list[date] = []
    rows: Mapping[Key, Any] = {}

    def by_owner(self) -> dict[CalendarOwner, Calendar]:
        """The calendars that were read, of staff and rooms, by whose they are."""
        return {one.owner: one for one in (*self.calendars, *self.rooms)}

    def calendar(self, staff_id: str) -> Calendar | None:
        """That member's calendar."""
        return next((calendar for calendar in self.calendars if calendar.owner.id == staff_id), None)


def read(
    company_id: str,
    branch_id: str,
    between: tuple[datetime, datetime],
    only: CalendarFilter = CalendarFilter(),
    keys: Sequence[Key] = (),
) -> BranchContext:
    """Read the branch around these instants, and the rows at `keys` along with it.

    One request when this process has met the branch before, or when one member is asked for by id who is at home here;
    else two, since the schedule says whose calendars are needed. Raises NotFound when there is no such branch.
    """
    mondays, known = _weeks_around(between), seen(company_id, branch_id)
    hinted = only.owners(known) if known else _guessed(company_id, branch_id, only.staff)
    schedule_key = practice_store.schedule_key(company_id, branch_id)
    rows = fetch_map([schedule_key, *keys, *_calendar_keys(branch_id, hinted, mondays)])
    schedule = practice_store.schedule_of(rows[schedule_key], branch_id)
    _last_seen[company_id, branch_id] = schedule
    needed = _calendar_keys(branch_id, only.owners(schedule), mondays)
    rows |= fetch_map(key for key in needed if key not in rows)
    return _context(schedule, only, mondays, rows)


def read_all(
    schedules: Sequence[Schedule], between: tuple[datetime, datetime], only: CalendarFilter
) -> list[BranchContext]:
    """The same of several branches whose schedules were just read; one request (for up to 100 calendars)."""
    mondays = _weeks_around(between)
    rows = fetch_map(
        key for schedule in schedules for key in _calendar_keys(schedule.branch.id, only.owners(schedule), mondays)
    )
    return [_context(schedule, only, mondays, rows) for schedule in schedules]


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


def _weeks_around(between: tuple[datetime, datetime]) -> list[date]:
    return weeks_between(between[0] - LONGEST_BLOCKED, between[1] + LONGEST_BLOCKED)


def _guessed(company_id: str, branch_id: str, staff: str | None) -> list[CalendarOwner]:
    # Someone asked for by id most likely has their calendar in this very branch; the schedule will tell.
    return [CalendarOwner(company_id, branch_id, staff)] if staff and staff.startswith("stf_") else []


def _calendar_keys(branch_id: str, owners: Sequence[CalendarOwner], mondays: Sequence[date]) -> list[Key]:
    """Where the calendars lie, and where it says where the home branches of guests are."""
    return [*calendar_store.keys(owners, mondays), *travel_time.base_keys(branch_id, owners)]


def _context(schedule: Schedule, only: CalendarFilter, mondays: list[date], rows: Mapping[Key, Any]) -> BranchContext:
    branch = schedule.branch

    def calendars(owners: list[CalendarOwner]) -> list[Calendar]:
        found = calendar_store.calendars(owners, mondays, rows)
        return travel_time.with_bases(found, branch.id, branch.point, rows)

    staff, rooms = calendars(only.staff_of(schedule)), calendars(only.rooms_of(schedule))
    return BranchContext(schedule=schedule, calendars=staff, rooms=rooms, mondays=mondays, rows=rows)
