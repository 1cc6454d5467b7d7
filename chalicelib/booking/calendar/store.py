"""Calendars in DynamoDB: reading what is taken, and taking or freeing time by compare-and-swap of whole days."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.calendar import entries as calendar_entries
from chalicelib.booking.calendar import locations as stops
from chalicelib.booking.calendar.entries import Days, Entry, monday_of
from chalicelib.booking.calendar.locations import DayLocations
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.models import Resource, Staff
from chalicelib.booking.tables import OccupancyRow
from chalicelib.core.clock import epoch
from chalicelib.core.tables import Key, collection
from chalicelib.core.unit import Unit

KEEP = timedelta(days=120)
"""How long a week stays after it is over; the appointments themselves are kept for good."""


class Calendar(msgspec.Struct, frozen=True):
    """What is taken of one member of staff in the weeks that were read, as it was when it was read.

    `stops`: where that is, unless it is at the calendar's home branch, which lies at `base` where that is known.
    """

    company_id: str
    staff: Staff
    days: Days
    stops: DayLocations = {}
    base: Point | None = None

    def entries(self) -> list[Entry]:
        """Everything in it, each once."""
        return calendar_entries.entries_of(self.days)


def room(resource: Resource) -> Staff:
    """A room or device as the owner of a calendar, which lies in its branch."""
    return owner(resource.company_id, resource.branch_id, resource.id)


def owner(company_id: str, home_branch_id: str, record_id: str) -> Staff:
    """Who or what a calendar belongs to, when nothing but where it lies matters."""
    return Staff(id=record_id, company_id=company_id, name="", home_branch_id=home_branch_id, hours={}, service_ids=())


def keys(company_id: str, staff: Iterable[Staff], mondays: Sequence[date]) -> list[Key]:
    """Where the weeks lie, for a fetch together with other records: all weeks of one member, then of the next."""
    return [_key(company_id, m.home_branch_id, m.id, monday) for m in staff for monday in mondays]


def calendars(company_id: str, staff: Iterable[Staff], mondays: Sequence[date], rows: Sequence[Any]) -> list[Calendar]:
    """The calendars in rows fetched at `keys` of the same arguments."""
    found = []
    for number, member in enumerate(staff):
        mine = rows[number * len(mondays) : (number + 1) * len(mondays)]
        days: dict[date, bytes] = {}
        places: dict[date, bytes] = {}
        for monday, row in zip(mondays, mine, strict=True):
            days |= _days(monday, row)
            places |= _days(monday, row, "p")
        found.append(Calendar(company_id, member, days, places))
    return found


def taken_in(company_id: str, branch_id: str, mondays: Sequence[date]) -> dict[str, Calendar]:
    """What is taken of every calendar at home in the branch (staff, rooms) in these weeks, by its id; one Query."""
    first, last = f"{mondays[0].isoformat()}#", f"{mondays[-1].isoformat()}#~"
    days: dict[str, dict[date, bytes]] = {}
    places: dict[str, dict[date, bytes]] = {}
    for row in collection(OccupancyRow, f"{company_id}#{branch_id}", OccupancyRow.sk.between(first, last)):
        monday, _, record_id = row.sk.partition("#")
        days.setdefault(record_id, {}).update(_days(date.fromisoformat(monday), row))
        places.setdefault(record_id, {}).update(_days(date.fromisoformat(monday), row, "p"))
    return {
        record_id: Calendar(company_id, owner(company_id, branch_id, record_id), mine, places[record_id])
        for record_id, mine in days.items()
    }


def take(unit: Unit, calendar: Calendar, entry: Entry, now: datetime) -> None:
    """Put an entry that clashes with nothing into the calendar; Stale if its days changed meanwhile."""
    _swap(
        unit,
        calendar,
        calendar_entries.with_entry(calendar.days, entry, now),
        stops.with_entry(calendar.stops, entry, now),
    )


def take_all(unit: Unit, calendar: Calendar, entries: Iterable[Entry], now: datetime) -> None:
    """Put several entries into the calendar whatever they meet there, in one swap; Stale if its days changed."""
    _exchange(unit, calendar, {}, {}, entries, now)


def with_all(calendar: Calendar, entries: Iterable[Entry], now: datetime) -> Calendar:
    """The calendar as `take_all` leaves it."""
    days, places = dict(calendar.days), dict(calendar.stops)
    for entry in entries:
        days |= calendar_entries.with_entry(days, entry, now)
        places |= stops.with_entry(places, entry, now)
    return msgspec.structs.replace(calendar, days=days, stops=places)


def free(unit: Unit, calendar: Calendar, reference: bytes, days: Iterable[date]) -> None:
    """Take everything with this reference out of the calendar's `days`; Stale if they changed meanwhile."""
    touched = list(days)
    _swap(
        unit,
        calendar,
        calendar_entries.without_reference(calendar.days, reference, touched),
        stops.without_reference(calendar.stops, reference, touched),
    )


def free_all(unit: Unit, calendar: Calendar, references: Iterable[bytes], days: Iterable[date]) -> None:
    """Take everything with these references out of the calendar's `days`, in one swap; Stale if they changed."""
    touched = list(days)
    changed: dict[date, bytes] = {}
    places: dict[date, bytes] = {}
    for reference in references:
        changed |= calendar_entries.without_reference({**calendar.days, **changed}, reference, touched)
        places |= stops.without_reference({**calendar.stops, **places}, reference, touched)
    _swap(unit, calendar, changed, places)


def exchange(unit: Unit, calendar: Calendar, before: Iterable[Entry], after: Iterable[Entry], now: datetime) -> None:
    """Take whatever has the references of the entries `before` out of their days and put those `after` in, in one swap.

    A day that stays as it is is not written; a transaction writes a week only once.
    """
    changed: dict[date, bytes] = {}
    places: dict[date, bytes] = {}
    for entry in before:
        days = entry.days_in_reach()
        changed |= calendar_entries.without_reference({**calendar.days, **changed}, entry.reference, days)
        places |= stops.without_reference({**calendar.stops, **places}, entry.reference, days)
    _exchange(unit, calendar, changed, places, after, now)


def rewrite(unit: Unit, calendar: Calendar, changed: dict[date, bytes]) -> None:
    """Put these days of the calendar in place of those that were read; Stale if they changed meanwhile."""
    _swap(unit, calendar, changed, {})


def _exchange(
    unit: Unit,
    calendar: Calendar,
    changed: dict[date, bytes],
    places: dict[date, bytes],
    entries: Iterable[Entry],
    now: datetime,
) -> None:
    for entry in entries:
        changed = changed | calendar_entries.with_entry({**calendar.days, **changed}, entry, now)
        places = places | stops.with_entry({**calendar.stops, **places}, entry, now)
    _swap(unit, calendar, _new(changed, calendar.days), _new(places, calendar.stops))


def _new(changed: dict[date, bytes], known: Days) -> dict[date, bytes]:
    return {day: packed for day, packed in changed.items() if packed != known.get(day)}


def _swap(unit: Unit, calendar: Calendar, changed: dict[date, bytes], places: dict[date, bytes]) -> None:
    """Write the days that changed, and those whose stops did, if entries and stops of all of them are as they were."""
    by_week: dict[date, list[date]] = {}
    for day in sorted({*changed, *places}):
        by_week.setdefault(monday_of(day), []).append(day)
    for monday, days in by_week.items():
        place = _key(calendar.company_id, calendar.staff.home_branch_id, calendar.staff.id, monday)
        over = datetime(monday.year, monday.month, monday.day, tzinfo=UTC) + timedelta(weeks=1) + KEEP
        changes = [OccupancyRow.expires_at.set(epoch(over))]
        condition = None
        for day in days:
            for prefix, known, new in (("d", calendar.days, changed), ("p", calendar.stops, places)):
                attribute = getattr(OccupancyRow, f"{prefix}{day.weekday()}")
                old = known.get(day)
                unchanged = attribute.does_not_exist() if old is None else attribute == old
                condition = unchanged if condition is None else condition & unchanged
                if day in new:
                    changes.append(attribute.set(new[day]))
        unit.update(OccupancyRow(place.pk, place.sk), changes, condition)


def _days(monday: date, row: OccupancyRow | None, prefix: str = "d") -> dict[date, bytes]:
    if row is None:
        return {}
    found = {}
    for number in range(7):
        packed = getattr(row, f"{prefix}{number}")
        if packed is not None:
            found[monday + timedelta(days=number)] = bytes(packed)
    return found


def _key(company_id: str, home_branch_id: str, staff_id: str, monday: date) -> Key:
    return Key(OccupancyRow, f"{company_id}#{home_branch_id}", f"{monday.isoformat()}#{staff_id}")
