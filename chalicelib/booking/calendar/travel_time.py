"""Getting there in time: where calendars are at home, how long the ways take, and whether a time leaves room for them.

A provider of ways is plugged in by naming it: PILOT_TRAVEL_PROVIDER=`module:function`, a `travel.Provider`. He is asked
here, for all ways of a request at once; everything after that is pure. What he does not know, or cannot say now
(DomainError), is the great circle.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, cast

import msgspec

from chalicelib.booking.calendar import locations
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.geo import Leg, Point, Provider, Roads, Travel, legs_between
from chalicelib.booking.practice.models import Branch, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import DomainError
from chalicelib.core.logging import log
from chalicelib.core.settings import settings
from chalicelib.core.tables import Key, fetch

MOST_KEPT = 10_000
_kept: dict[Leg, int] = {}
"""Ways that this process has asked the provider for."""


def forget() -> None:
    """Drop what this process keeps (tests)."""
    _kept.clear()


def roads(travel: Travel | None, calendars: Iterable[Calendar], here: Point | None) -> Roads:
    """The ways between `here` (None: where each calendar is at home) and everything in the calendars."""
    travel = travel or Travel()
    if not settings().travel_provider:
        return Roads(travel)
    ways: list[Leg] = []
    for calendar in calendars:
        others = [calendar.base, home_of(calendar.staff), *sorted(locations.points_of(calendar.stops))]
        ways += legs_between([here or calendar.base], others)
    return Roads(travel, known(ways))


def known(ways: Sequence[Leg]) -> dict[Leg, int]:
    """What the provider says of these ways, those that he does not know left out; {} where none is plugged in."""
    name = settings().travel_provider
    missing = [way for way in dict.fromkeys(ways) if way not in _kept] if name else []
    if missing:
        if len(_kept) + len(missing) > MOST_KEPT:
            _kept.clear()
        _kept.update(_asked(_provider(name), missing))
    return {way: _kept[way] for way in ways if way in _kept}


def _asked(provider: Provider, ways: Sequence[Leg]) -> dict[Leg, int]:
    try:
        said = provider(ways)
    except DomainError as error:
        log.warning("ways not known", extra={"code": error.code, "ways": len(ways)})
        return {}
    return {way: minutes for way, minutes in zip(ways, said, strict=True) if minutes is not None}


def _provider(name: str) -> Provider:
    module, _, function = name.partition(":")
    return cast(Provider, getattr(import_module(module), function))


def home_of(member: Staff) -> Point | None:
    """Where he lives."""
    return member.home.point() if member.home else None


def base_keys(company_id: str, branch_id: str, home_branch_ids: Iterable[str]) -> list[Key]:
    """Where it says where the home branches of guests lie; none for whoever is at home in the branch itself."""
    others = sorted({home for home in home_branch_ids if home != branch_id})
    return [practice_store.record_key(Branch, company_id, home) for home in others]


def bases(rows: Iterable[Any]) -> dict[str, Point]:
    """Where branches lie, out of rows fetched at `base_keys`, by their id."""
    found = (row.model(Branch) for row in rows if row is not None)
    return {branch.id: branch.place.point() for branch in found if branch.place}


def based(calendar: Calendar, branch: Branch, others: dict[str, Point]) -> Calendar:
    """The calendar with where it is at home."""
    home = calendar.staff.home_branch_id
    base = (branch.place.point() if branch.place else None) if home == branch.id else others.get(home)
    return msgspec.structs.replace(calendar, base=base)


def in_time(
    schedule: Schedule, calendar: Calendar, entry: Entry, roads: Roads, now: datetime, but: bytes = b""
) -> bool:
    """Whether there is time for the ways to the entry and from it."""
    if locations.too_far(calendar.days, calendar.stops, calendar.base, entry, roads, now, but):
        return False
    if entry.point is None or not roads.travel.within_hours:
        return True
    start = home_of(calendar.staff) or calendar.base
    there, back = roads.minutes(start, entry.point), roads.minutes(entry.point, start)
    return locations.within_day(schedule.hours_of(calendar.staff), entry, there, back)


def in_time_moved(
    schedule: Schedule, policy: Policy, calendar: Calendar, added: Sequence[Entry], now: datetime, but: bytes
) -> bool:
    """Whether there is time for the ways to all of `added`, in a calendar that was read without its base.

    One request for a guest where places matter, none otherwise.
    """
    if not calendar.stops and not any(entry.point for entry in added):
        return True
    home = calendar.staff.home_branch_id
    others = bases(fetch(base_keys(calendar.company_id, schedule.branch.id, [home])))
    calendar = based(calendar, schedule.branch, others)
    return all(
        in_time(schedule, calendar, entry, roads(policy.travel, [calendar], entry.point), now, but) for entry in added
    )
