"""Calendars in DynamoDB: reading what is taken, and taking or freeing time by compare-and-swap of whole days."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, monday_of, weeks_between
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.tables import KEEP, OccupancyRow
from chalicelib.core.clock import epoch
from chalicelib.core.tables import Key, collection, fetch_map
from chalicelib.core.unit import Unit


def keys(owners: Iterable[CalendarOwner], mondays: Iterable[date]) -> list[Key]:
    """Where these weeks of each calendar lie, for a fetch together with other records."""
    weeks = list(mondays)
    return [_key(owner, monday) for owner in owners for monday in weeks]


def calendars(owners: Iterable[CalendarOwner], mondays: Iterable[date], rows: Mapping[Key, Any]) -> list[Calendar]:
    """The calendars in rows that were fetched at (at least) their `keys`, in the order of the owners."""
    weeks = list(mondays)
    return [_calendar(owner, {monday: rows[_key(owner, monday)] for monday in weeks}) for owner in owners]


def read(owner: CalendarOwner, first: datetime, last: datetime) -> Calendar:
    """A calendar with the weeks from one instant until before another; one request for up to a hundred of them."""
    mondays = weeks_between(first, last - MINUTE)
    return calendars([owner], mondays, fetch_map(keys([owner], mondays)))[0]


def read_branch(company_id: str, branch_id: str, mondays: Sequence[date]) -> dict[str, Calendar]:
    """What is taken of every calendar at home in the branch (staff, rooms) in these weeks, by its owner; one Query."""
    first, last = f"{mondays[0].isoformat()}#", f"{mondays[-1].isoformat()}#~"
    weeks: dict[str, dict[date, OccupancyRow | None]] = {}
    for row in collection(OccupancyRow, f"{company_id}#{branch_id}", OccupancyRow.sk.between(first, last)):
        monday, _, owner_id = row.sk.partition("#")
        weeks.setdefault(owner_id, {})[date.fromisoformat(monday)] = row
    return {
        owner_id: _calendar(CalendarOwner(company_id, branch_id, owner_id), mine) for owner_id, mine in weeks.items()
    }


def exchange(unit: Unit, calendar: Calendar, before: Iterable[Entry], after: Iterable[Entry], now: datetime) -> None:
    """Take whatever has the references of the entries `before` out of their days and put those `after` in, in one swap.

    Whatever those `after` meet there. Stale if their days changed meanwhile. A day that stays as it is is not written;
    a transaction writes a week only once.
    """
    left = calendar
    for entry in before:
        left = left.without([entry.reference], entry.days_in_reach())
    _swap(unit, calendar, left.with_entries(after, now))


def rewrite(unit: Unit, calendar: Calendar, changed: Mapping[date, bytes]) -> None:
    """Put these days of entries in place of those that were read; Stale if they changed meanwhile."""
    _swap(unit, calendar, replace(calendar, days={**calendar.days, **changed}))


def _swap(unit: Unit, was: Calendar, new: Calendar) -> None:
    """Write the days that differ, if both the entries and the locations of all of them are still as they were."""
    pairs = ((was.days, new.days), (was.locations, new.locations))
    changed = {day for old, now in pairs for day in now if now[day] != old.get(day, b"")}
    by_week: dict[date, list[date]] = {}
    for day in sorted(changed):
        by_week.setdefault(monday_of(day), []).append(day)
    for monday, days in by_week.items():
        over = datetime(monday.year, monday.month, monday.day, tzinfo=UTC) + timedelta(weeks=1) + KEEP
        changes = [OccupancyRow.expires_at.set(epoch(over))]
        condition = None
        for day in days:
            for prefix, (old, now) in zip("dp", pairs, strict=True):
                attribute = getattr(OccupancyRow, f"{prefix}{day.weekday()}")
                known = old.get(day)
                unchanged = attribute.does_not_exist() if known is None else attribute == known
                condition = unchanged if condition is None else condition & unchanged
                if now.get(day, b"") != (known or b""):
                    changes.append(attribute.set(now[day]))
        key = _key(was.owner, monday)
        unit.update(OccupancyRow(key.pk, key.sk), changes, condition)


def _calendar(owner: CalendarOwner, weeks: Mapping[date, OccupancyRow | None]) -> Calendar:
    days: dict[date, bytes] = {}
    locations: dict[date, bytes] = {}
    for monday, row in weeks.items():
        for number in range(7 if row is not None else 0):
            day = monday + timedelta(days=number)
            for prefix, found in (("d", days), ("p", locations)):
                packed = getattr(row, f"{prefix}{number}")
                if packed is not None:
                    found[day] = bytes(packed)
    return Calendar(owner, days, locations)


def _key(owner: CalendarOwner, monday: date) -> Key:
    return Key(OccupancyRow, f"{owner.company_id}#{owner.home_branch_id}", f"{monday.isoformat()}#{owner.id}")
