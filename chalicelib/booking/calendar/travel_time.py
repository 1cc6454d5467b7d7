"""How long the legs to and from an appointment take, where calendars are at home, and whether a time leaves room.

A provider of leg times is plugged in by naming it: PILOT_TRAVEL_PROVIDER=`module:function`, a `geo.Provider`. It is
asked here, for all legs of a request at once; everything after that is pure. What it does not know, or cannot say now
(DomainError), is the great circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Any, cast

from msgspec.structs import replace

from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.calendar.locations import points_of
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.calendar.reach import too_far, within_hours
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.geo import Leg, Point, Provider, Roads, Travel, legs_between
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.errors import DomainError
from chalicelib.core.logging import log
from chalicelib.core.settings import settings
from chalicelib.core.tables import Key, fetch_map

MOST_KEPT = 10_000
_kept: dict[Leg, int] = {}
"""Legs that this process has asked the provider for."""


def forget() -> None:
    """Drop what this process keeps (tests)."""
    _kept.clear()


def roads(schedule: Schedule, travel: Travel | None, calendars: Iterable[Calendar], here: Point | None) -> Roads:
    """The legs between `here` (None: where each calendar is at home) and everything in calendars of the staff."""
    travel = travel or Travel()
    if not settings().travel_provider:
        return Roads(travel)
    legs: list[Leg] = []
    for calendar in calendars:
        member = schedule.find_staff(calendar.owner.id)
        home = member.home.point() if member and member.home else None
        others = [calendar.base, home, *sorted(points_of(calendar.locations))]
        legs += legs_between([here or calendar.base], others)
    return Roads(travel, known(legs))


def known(legs: Sequence[Leg]) -> dict[Leg, int]:
    """Minutes of these legs by the provider, those that it does not know left out; {} where none is plugged in."""
    name = settings().travel_provider
    missing = [leg for leg in dict.fromkeys(legs) if leg not in _kept] if name else []
    if missing:
        if len(_kept) + len(missing) > MOST_KEPT:
            _kept.clear()
        _kept.update(_query_provider(_provider(name), missing))
    return {leg: _kept[leg] for leg in legs if leg in _kept}


def _query_provider(provider: Provider, legs: Sequence[Leg]) -> dict[Leg, int]:
    try:
        minutes = provider(legs)
    except DomainError as error:
        log.warning("legs not known", extra={"code": error.code, "legs": len(legs)})
        return {}
    return {leg: each for leg, each in zip(legs, minutes, strict=True) if each is not None}


def _provider(name: str) -> Provider:
    module, _, function = name.partition(":")
    return cast(Provider, getattr(import_module(module), function))


def base_keys(branch_id: str, owners: Iterable[CalendarOwner]) -> list[Key]:
    """Where it says where the home branches of guests lie; none for whoever is at home in the branch itself."""
    others = {(owner.company_id, owner.home_branch_id) for owner in owners if owner.home_branch_id != branch_id}
    return [practice_store.record_key(Branch, company_id, home) for company_id, home in sorted(others)]


def with_bases(
    calendars: Iterable[Calendar], branch_id: str, point: Point | None, rows: Mapping[Key, Any]
) -> list[Calendar]:
    """The calendars with where each is at home; the branch lies at `point`, `rows` were fetched at `base_keys`."""
    found = list(calendars)
    known = {branch_id: point}
    for key in base_keys(branch_id, [calendar.owner for calendar in found]):
        branch = rows[key].model(Branch) if rows[key] is not None else None
        if branch:
            known[branch.id] = branch.point
    return [replace(calendar, base=known.get(calendar.owner.home_branch_id)) for calendar in found]


def in_time(schedule: Schedule, calendar: Calendar, entry: Entry, roads: Roads, now: datetime) -> bool:
    """Whether there is time for the legs to the entry and from it, in the calendar of a member of staff."""
    if too_far(calendar, entry, roads, now):
        return False
    if entry.point is None or not roads.travel.within_hours:
        return True
    member = schedule.find_staff(calendar.owner.id)
    assert member, "whoever is to do it works here"
    start = member.home.point() if member.home else calendar.base
    legs = roads.minutes(start, entry.point), roads.minutes(entry.point, start)
    return within_hours(schedule.hours_of(member), entry, legs)


def in_time_moved(
    schedule: Schedule, travel: Travel | None, calendar: Calendar, added: Sequence[Entry], now: datetime
) -> bool:
    """Whether there is time for the legs to all of `added`, in a calendar that was read without its base.

    One request for a guest where locations matter, none otherwise.
    """
    if not calendar.locations and not any(entry.point for entry in added):
        return True
    branch = schedule.branch
    rows = fetch_map(base_keys(branch.id, [calendar.owner]))
    (based,) = with_bases([calendar], branch.id, branch.point, rows)
    return all(in_time(schedule, based, entry, roads(schedule, travel, [based], entry.point), now) for entry in added)
