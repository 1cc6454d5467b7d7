"""Searching for free times: several services, branches and days in one call, or why one time is not free."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.branch_calendar import BranchCalendar, counted_days
from chalicelib.booking.availability.customer_limits import ANYBODY, CustomerLimits, read_limits
from chalicelib.booking.availability.search_index import IndexedStaff, SearchIndex
from chalicelib.booking.availability.search_index_store import read_index
from chalicelib.booking.availability.search_query import BranchSearch, SearchQuery, check, services_of
from chalicelib.booking.availability.slots import FreeSlot, find_slots
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import monday_of
from chalicelib.booking.calendar.locations import points_of
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.engine.clocks import day_of, day_start, minute_of, moment_of
from chalicelib.booking.engine.query import Frame, frame_of
from chalicelib.booking.practice.geo import Leg, legs_between
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import invalid
from chalicelib.core.tables import fetch_map

if TYPE_CHECKING:
    from chalicelib.booking.availability.reasons import Reason


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a branch has free of a service; `more`: not all of it is listed. `reasons`: of the one time asked about.

    `consultation_first`: the customer has nothing free of it before they completed its consultation.
    """

    branch: SearchIndex
    service: Service
    zone: str
    slots: list[FreeSlot] = []
    more: bool = False
    reasons: "list[Reason]" = []
    consultation_first: bool = False


def search(company_id: str, query: SearchQuery, clock: Clock) -> list[SearchResult]:
    """The free slots of each service in each branch that offers it.

    For each branch one GetItem and one Query; one request more with staff at home elsewhere, one for a customer, and
    one where groups of a service asked for have begun to fill. A consultation that the customer has yet to complete
    comes before what it is for. Raises Invalid naming the field, NotFound for a branch that is not the company's (or
    not `published`).
    """
    now, found = clock(), []
    for branch_search, customer in _in_branches(company_id, query, now):
        index, able = branch_search.index, query.able(branch_search.index)
        services = customer.with_consultations(index, branch_search.services)
        calendar = read_calendar(replace(branch_search, services=services), now, customer)
        for service in services:
            result = _result(branch_search, service, customer)
            if not customer.refusals(service):
                length_min = query.length_min if service in branch_search.services else None
                slots, more = find_slots(calendar, service, able, length_min, query.most)
                result = replace(result, slots=slots, more=more)
            found.append(result)
    return found


def explain(company_id: str, query: SearchQuery, at: datetime, clock: Clock) -> list[SearchResult]:
    """Why nothing of each service begins at `at` in each branch; raises as `search` does."""
    from chalicelib.booking.availability.reasons import Reason, why_not

    now, start, found = clock(), minute_of(to_utc(at)), []
    if abs(to_utc(at) - now) > FURTHEST:
        raise invalid("query.at", "too_far", "Ask about a time within two years from now.")
    for branch_search, customer in _in_branches(company_id, query, now, start):
        able, calendar = query.able(branch_search.index), read_calendar(branch_search, now, customer)
        for service in branch_search.services:
            reasons = why_not(calendar, service, able, query.length_min, start)
            if refusals := customer.refusals(service):
                reasons = [*map(Reason, refusals), *(reason for reason in reasons if reason.code != "free")]
            found.append(replace(_result(branch_search, service, customer), reasons=reasons))
    return found


def _result(branch_search: BranchSearch, service: Service, customer: CustomerLimits) -> SearchResult:
    index, first = branch_search.index, service.id in customer.unconsulted
    zone = branch_search.query.zone or index.zone
    return SearchResult(branch=index, service=service, zone=zone, consultation_first=first)


def _in_branches(
    company_id: str, query: SearchQuery, now: datetime, start: int | None = None
) -> Iterator[tuple[BranchSearch, CustomerLimits]]:
    """What is looked for in each branch, on the days asked about or at one start, and what holds for the customer."""
    check(query)
    branches = [read_index(company_id, branch_id, now) for branch_id in dict.fromkeys(query.branch_ids)]
    for index, services in zip(branches, services_of(query, branches), strict=True):
        zone = query.zone or index.zone
        window = query.window(zone, now) if start is None else (start, start + 1)
        branch_search = BranchSearch(company_id, index, services, window, query)
        yield branch_search, read_limits(branch_search, query.customer_id) if query.customer_id else ANYBODY


def read_calendar(branch_search: BranchSearch, now: datetime, customer: CustomerLimits = ANYBODY) -> BranchCalendar:
    """The calendar of a branch for a search: one Query, one request more for staff at home elsewhere."""
    index, services, (first, last) = branch_search.index, branch_search.services, branch_search.window
    able, frame = (
        branch_search.query.able(index),
        frame_of(first, last + max(map(branch_search.longest, services), default=0)),
    )
    mondays = _mondays(branch_search, frame)
    staff = {one.id: one for service in branch_search.with_parts() for one in able.of_part(service)}
    guests = [
        CalendarOwner(branch_search.company_id, one.home_branch_id, one.id)
        for one in staff.values()
        if one.home_branch_id != index.branch_id
    ]
    read = [*calendar_store.read_branch(branch_search.company_id, index.branch_id, mondays).values()]
    rows = fetch_map([*calendar_store.keys(guests, mondays), *travel_time.base_keys(index.branch_id, guests)])
    read += calendar_store.calendars(guests, mondays, rows)
    calendars = {one.owner.id: one for one in travel_time.with_bases(read, index.branch_id, index.place, rows)}
    theirs = [calendars[one.id] for one in able.staff if one.id in calendars]
    return BranchCalendar(
        index=index,
        calendars=calendars,
        frame=frame,
        first=first,
        last=last,
        now=now,
        groups=open_groups.find_joinable(services, theirs, index.branch_id, branch_search.window),
        here=branch_search.query.here,
        legs=travel_time.known([*dict.fromkeys(_legs(branch_search, able.staff, calendars))]),
        full_for_customer=customer.full,
    )


def _legs(
    branch_search: BranchSearch, staff: Iterable[IndexedStaff], calendars: Mapping[str, Calendar]
) -> Iterator[Leg]:
    """Every leg that the services of these staff may need, for whoever knows legs better."""
    services, here = branch_search.with_parts(), branch_search.query.here
    for one in staff:
        calendar = calendars.get(one.id)
        base = calendar.base if calendar else branch_search.index.place
        points = points_of(calendar.locations) if calendar else set()
        mobile = any(service.mobile and service.id in one.service_ids for service in services)
        if mobile or points:
            yield from legs_between([base, *([here] if mobile else [])], [base, one.home, *points])


def _mondays(branch_search: BranchSearch, frame: Frame) -> list[date]:
    """The weeks that the frame touches, and those that a limit counts."""
    zone, window = branch_search.index.zone, branch_search.window
    first, last = date.fromordinal(frame.first), date.fromordinal(frame.first + frame.days - 1)
    for service in branch_search.services:
        # The later parts of a package may begin past midnight.
        latest = window[1] - 1 + (branch_search.longest(service) if service.parts else 0)
        counted = counted_days(service, *(date.fromordinal(day_of(zone, minute)) for minute in (window[0], latest)))
        if counted:
            first = min(first, moment_of(day_start(zone, counted[0].toordinal())).date())
            last = max(last, moment_of(day_start(zone, counted[1].toordinal() + 1) - 1).date())
    monday = monday_of(first)
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]
