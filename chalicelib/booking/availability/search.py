"""Searching for free times: several services, branches and days in one call, or why one time is not free."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.branch_calendar import BranchCalendar, counted_days
from chalicelib.booking.availability.customer_limits import ANYBODY, CustomerLimits, read_limits
from chalicelib.booking.availability.search_index import SearchIndex
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
from chalicelib.booking.engine.query import frame_of
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
    for index, services in _branches(company_id, query, now):
        zone = query.zone or index.zone
        first, last = query.days(zone, now)
        window = (day_start(zone, first), day_start(zone, last + 1))
        asked = query.in_branch(company_id, index, services, window)
        customer = read_limits(asked, query.customer_id) if query.customer_id else ANYBODY
        asked = replace(asked, services=customer.with_consultations(index, services))
        calendar = read_calendar(asked, now, customer)
        for service in asked.services:
            result = SearchResult(
                branch=index, service=service, zone=zone, consultation_first=service.id in customer.unconsulted
            )
            if not customer.refusals(service):
                length_min = query.length_min if service in services else None
                slots, more = find_slots(calendar, service, asked.able, length_min, query.most)
                result = replace(result, slots=slots, more=more)
            found.append(result)
    return found


def explain(company_id: str, query: SearchQuery, at: datetime, clock: Clock) -> list[SearchResult]:
    """Why nothing of each service begins at `at` in each branch; raises as `search` does."""
    from chalicelib.booking.availability.reasons import Reason, why_not

    now, start, found = clock(), minute_of(to_utc(at)), []
    if abs(to_utc(at) - now) > FURTHEST:
        raise invalid("query.at", "too_far", "Ask about a time within two years from now.")
    for index, services in _branches(company_id, query, now):
        asked = query.in_branch(company_id, index, services, (start, start + 1))
        customer = read_limits(asked, query.customer_id) if query.customer_id else ANYBODY
        calendar = read_calendar(asked, now, customer)
        for service in services:
            reasons = why_not(calendar, service, asked.able, query.length_min, start)
            if refusals := customer.refusals(service):
                reasons = [*map(Reason, refusals), *(reason for reason in reasons if reason.code != "free")]
            found.append(
                SearchResult(
                    branch=index,
                    service=service,
                    zone=query.zone or index.zone,
                    reasons=reasons,
                    consultation_first=service.id in customer.unconsulted,
                )
            )
    return found


def read_calendar(asked: BranchSearch, now: datetime, customer: CustomerLimits = ANYBODY) -> BranchCalendar:
    """The calendar of a branch for a search: one Query, one request more for staff at home elsewhere."""
    index, company_id = asked.index, asked.company_id
    frame = frame_of(asked.first, asked.last + max((asked.longest(service) for service in asked.services), default=0))
    first, last = date.fromordinal(frame.first), date.fromordinal(frame.first + frame.days - 1)
    mondays = _mondays(asked, first, last)
    staff = {one.id: one for service in asked.with_parts() for one in asked.able.of_part(service)}
    guests = [
        CalendarOwner(company_id, one.home_branch_id, one.id)
        for one in staff.values()
        if one.home_branch_id != index.branch_id
    ]
    read = list(calendar_store.read_branch(company_id, index.branch_id, mondays).values())
    rows = fetch_map([*calendar_store.keys(guests, mondays), *travel_time.base_keys(index.branch_id, guests)])
    read += calendar_store.calendars(guests, mondays, rows)
    calendars = {one.owner.id: one for one in travel_time.with_bases(read, index.branch_id, index.place, rows)}
    mine = [calendars[one.id] for one in asked.able.staff if one.id in calendars]
    return BranchCalendar(
        index=index,
        calendars=calendars,
        frame=frame,
        first=asked.first,
        last=asked.last,
        now=now,
        groups=open_groups.find_joinable(asked.services, mine, index.branch_id, (asked.first, asked.last)),
        here=asked.here,
        legs=travel_time.known(list(dict.fromkeys(_legs(asked, calendars)))),
        full_for_customer=customer.full,
    )


def _branches(company_id: str, query: SearchQuery, now: datetime) -> list[tuple[SearchIndex, list[Service]]]:
    check(query)
    branches = [read_index(company_id, branch_id, now) for branch_id in dict.fromkeys(query.branch_ids)]
    return list(zip(branches, services_of(query, branches), strict=True))


def _legs(asked: BranchSearch, calendars: Mapping[str, Calendar]) -> Iterator[Leg]:
    """Every leg that these services of these staff may need, for whoever knows legs better."""
    services, nowhere = asked.with_parts(), Calendar(CalendarOwner("", "", ""), base=asked.index.place)
    for one in asked.able.staff:
        calendar = calendars.get(one.id, nowhere)
        mobile = any(service.mobile and service.id in one.service_ids for service in services)
        if mobile or calendar.locations:
            here = [calendar.base, *([asked.here] if mobile else [])]
            yield from legs_between(here, [calendar.base, one.home, *points_of(calendar.locations)])


def _mondays(asked: BranchSearch, first: date, last: date) -> list[date]:
    """The weeks from one day to another, and those that a limit counts."""
    zone = asked.index.zone
    for service in asked.services:
        # The later parts of a package may begin past midnight.
        latest = asked.last - 1 + (asked.longest(service) if service.parts else 0)
        days = (date.fromordinal(day_of(zone, minute)) for minute in (asked.first, latest))
        counted = counted_days(service, *days)
        if counted:
            first = min(first, moment_of(day_start(zone, counted[0].toordinal())).date())
            last = max(last, moment_of(day_start(zone, counted[1].toordinal() + 1) - 1).date())
    monday = monday_of(first)
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]
