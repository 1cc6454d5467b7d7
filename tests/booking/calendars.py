"""What lies in calendars, for tests."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Days, Entry, weeks_between
from chalicelib.booking.calendar.owner import CalendarOwner, owner_of
from chalicelib.booking.practice.models import Resource, Staff
from chalicelib.core.unit import Unit


def read_calendar(owner: Staff | Resource | CalendarOwner, *entries: Entry) -> Calendar:
    """The weeks of a calendar that the entries touch."""
    whose = owner if isinstance(owner, CalendarOwner) else owner_of(owner)
    reaches = [entry.reach() for entry in entries]
    return calendar_store.read(whose, min(first for first, _ in reaches), max(last for _, last in reaches))


def calendars_of(taken: Mapping[str, Days]) -> dict[str, Calendar]:
    """Calendars of a branch with what is taken of them, by owner."""
    return {owner: Calendar(CalendarOwner("com", "bra", owner), days) for owner, days in taken.items()}


def fill(member: Staff, entries: Iterable[Entry], mondays: Iterable[date], now: datetime) -> None:
    """Put entries into weeks of a calendar in which there is nothing yet."""
    weeks = set(mondays)
    unit = Unit(member.company_id)
    new = [entry for entry in entries if weeks.issuperset(weeks_between(entry.start, entry.start))]
    calendar_store.exchange(unit, Calendar(owner_of(member)), (), new, now)
    unit.commit()
