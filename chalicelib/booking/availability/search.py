"""Searching for free times: several services, branches and days in one call, or why one time is not free."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.availability import open_groups
from chalicelib.booking.availability.branch_calendar import BranchCalendar, counted_days
from chalicelib.booking.availability.customer_limits import ANYBODY, CustomerLimits, standing
from chalicelib.booking.availability.search_index import IndexedStaff, SearchIndex
from chalicelib.booking.availability.search_index_store import read_compiled
from chalicelib.booking.availability.slots import Able, FreeSlot, Reason, find_slots, why_not
from chalicelib.booking.availability.travel_blocks import TravelBlocks
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.entries import monday_of
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.engine.clocks import day_of, day_start, minute_of, moment_of
from chalicelib.booking.engine.query import Frame, frame_of
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.hours import check_zone
from chalicelib.booking.practice.models import Gender, GeoAddress, Service, Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Fault, Invalid, NotFound, invalid
from chalicelib.core.tables import fetch

MOST_DAYS = 62
MOST_SERVICES, MOST_BRANCHES, MOST_PAIRS = 10, 5, 20
ANYONE = "any"


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. `services` by id or name; `staff` by id; days by the clock of `zone` (None: the branch's).

    `first` None: today; `last` None: that one day. `length_min` for services of flexible length. `published`: only what
    customers may see. `most`: slots for each service and branch. `address`: where the customer is, for mobile services.
    `customer_id`: for whom, if that is known: then his blocks, consultations and limits count.
    """

    branch_ids: tuple[str, ...]
    services: tuple[str, ...]
    first: date | None = None
    last: date | None = None
    zone: str | None = None
    staff: str | None = None
    gender: Gender | None = None
    language: str | None = None
    skill: str | None = None
    length_min: int | None = None
    published: bool = False
    most: int = 500
    address: GeoAddress | None = None
    customer_id: str | None = None


class SearchResult(msgspec.Struct, frozen=True):
    """What a branch has free of a service; `more`: not all of it is listed. `reasons`: of the one time asked about.

    `consultation_first`: the customer has nothing free of it before he completed its consultation.
    """

    branch: SearchIndex
    service: Service
    zone: str
    slots: list[FreeSlot] = []
    more: bool = False
    reasons: list[Reason] = []
    consultation_first: bool = False


def search(company_id: str, wanted: SearchQuery, clock: Clock) -> list[SearchResult]:
    """The free slots of each service in each branch that offers it.

    For each branch one GetItem and one Query; one request more with staff at home elsewhere, one for a customer, and
    one where groups of a service asked for have begun to fill. A consultation that the customer has yet to complete
    comes before what it is for. Raises Invalid naming the
    field, NotFound for a branch that is not the company's (or not `published`).
    """
    now = clock()
    found = []
    for branch, services in _asked(company_id, wanted, now):
        zone = wanted.zone or branch.zone
        first, last = _days(wanted, zone, now)
        window = (day_start(zone, first), day_start(zone, last + 1))
        his = _standing(company_id, wanted, branch, services, window)
        board = _read(company_id, branch, his.with_consultations(branch, services), wanted, window, now, his)
        for service in his.with_consultations(branch, services):
            if his.refusals(service):
                found.append(SearchResult(branch, service, zone, consultation_first=service.id in his.unconsulted))
                continue
            length_min = wanted.length_min if service in services else None
            slots, more = find_slots(board, service, _able(branch, wanted), length_min, wanted.most)
            found.append(SearchResult(branch, service, zone, slots, more))
    return found


def explain(company_id: str, wanted: SearchQuery, at: datetime, clock: Clock) -> list[SearchResult]:
    """Why nothing of each service begins at `at` in each branch; raises as `search` does."""
    now = clock()
    start = minute_of(to_utc(at))
    if abs(to_utc(at) - now) > FURTHEST:
        raise invalid("query.at", "too_far", "Ask about a time within two years from now.")
    found = []
    for branch, services in _asked(company_id, wanted, now):
        his = _standing(company_id, wanted, branch, services, (start, start + 1))
        board = _read(company_id, branch, services, wanted, (start, start + 1), now, his)
        for service in services:
            reasons = why_not(board, service, _able(branch, wanted), wanted.length_min, start)
            if refusals := his.refusals(service):
                reasons = [*refusals, *(reason for reason in reasons if reason.code != "free")]
            first = service.id in his.unconsulted
            found.append(
                SearchResult(branch, service, wanted.zone or branch.zone, reasons=reasons, consultation_first=first)
            )
    return found


def _standing(
    company_id: str, wanted: SearchQuery, branch: SearchIndex, services: Sequence[Service], window: tuple[int, int]
) -> CustomerLimits:
    if wanted.customer_id is None:
        return ANYBODY
    return standing(company_id, wanted.customer_id, branch, services, window)


def _asked(company_id: str, wanted: SearchQuery, now: datetime) -> list[tuple[SearchIndex, list[Service]]]:
    _check(wanted)
    branches = [read_compiled(company_id, branch_id, now) for branch_id in dict.fromkeys(wanted.branch_ids)]
    for branch in branches:
        if wanted.published and not branch.published:
            raise NotFound("branch_not_found", f"There is no branch {branch.branch_id}.")
    _check_staff(wanted, branches)
    return [(branch, services) for branch, services in zip(branches, _services(wanted, branches), strict=True)]


def _check(wanted: SearchQuery) -> None:
    faults = [*_of_lists(wanted)]
    if wanted.first and wanted.last and wanted.last < wanted.first:
        faults.append(Fault("query.to", "ends_before_start", "`to` is not before `from`."))
    if faults:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=tuple(faults))
    if wanted.zone is not None:
        check_zone(wanted.zone, "query.zone")


def _of_lists(wanted: SearchQuery) -> Iterator[Fault]:
    services, branches = len(set(wanted.services)), len(set(wanted.branch_ids))
    for name, count, most in (("service", services, MOST_SERVICES), ("branch_id", branches, MOST_BRANCHES)):
        if not count:
            yield Fault(f"query.{name}", "required", "Give at least one.")
        elif count > most:
            yield Fault(f"query.{name}", "too_many", f"Ask for at most {most} at once.")
    if services * branches > MOST_PAIRS:
        yield Fault("query.service", "too_many", f"Services times branches are at most {MOST_PAIRS}.")


def _days(wanted: SearchQuery, zone: str, now: datetime) -> tuple[int, int]:
    from zoneinfo import ZoneInfo

    first = wanted.first or now.astimezone(ZoneInfo(zone)).date()
    last = wanted.last or first
    if last < first:
        raise invalid("query.to", "ends_before_start", "`to` is not before `from`, which is today if not given.")
    if (last - first).days >= MOST_DAYS:
        raise invalid("query.to", "range_too_long", f"Ask for at most {MOST_DAYS} days at once.")
    if abs(first - now.date()) > FURTHEST:
        raise invalid("query.from", "too_far", "Ask about days within two years from now.")
    return first.toordinal(), last.toordinal()


def _check_staff(wanted: SearchQuery, branches: Sequence[SearchIndex]) -> None:
    everyone = [member for branch in branches for member in branch.staff if member.published or not wanted.published]
    if wanted.staff not in (None, ANYONE) and all(member.id != wanted.staff for member in everyone):
        raise invalid("query.staff", "unknown_staff", f"{wanted.staff!r} does not work there.")
    skill = wanted.skill
    if skill and not any(one.name == skill.casefold() for member in everyone for one in member.abilities):
        raise invalid("query.skill", "skill_nobody_has", f"Nobody has the skill {skill!r}.")


def _services(wanted: SearchQuery, branches: Sequence[SearchIndex]) -> list[list[Service]]:
    found: list[list[Service]] = [[] for _ in branches]
    for number, name in enumerate(dict.fromkeys(wanted.services)):
        offered = [_offered(branch, name, wanted) for branch in branches]
        if not any(offered):
            raise invalid(f"query.service[{number}]", "unknown_service", f"{name!r} is not offered there.")
        for services, service in zip(found, offered, strict=True):
            if service:
                services.append(service)
    return found


def _offered(branch: SearchIndex, name: str, wanted: SearchQuery) -> Service | None:
    service = branch.service(name)
    if service is None or (wanted.published and not service.published):
        return None
    if wanted.address is None and any(one.mobile for one in _with_parts(branch, [service])):
        sentence = f"{service.name} is done at the customer's: say where, with `latitude` and `longitude`."
        raise invalid("query.latitude", "required", sentence)
    length, longest = wanted.length_min, service.longest_min or service.duration_min
    if length is not None and not service.duration_min <= length <= longest:
        sentence = f"{service.name} takes {service.duration_min} to {longest} minutes."
        raise invalid("query.length_min", "length_not_offered", sentence)
    return service


def _able(branch: SearchIndex, wanted: SearchQuery) -> Able:
    suited = tuple(member for member in branch.staff if _suits(member, wanted))
    return Able(suited, None if wanted.staff == ANYONE else wanted.staff)


def _suits(member: IndexedStaff, wanted: SearchQuery) -> bool:
    skill = wanted.skill.casefold() if wanted.skill else None
    return (
        (member.published or not wanted.published)
        and (wanted.gender is None or member.gender == wanted.gender)
        and (wanted.language is None or wanted.language.casefold() in member.languages)
        and (skill is None or any(one.name == skill for one in member.abilities))
    )


def _read(
    company_id: str,
    branch: SearchIndex,
    services: Sequence[Service],
    wanted: SearchQuery,
    window: tuple[int, int],
    now: datetime,
    his: CustomerLimits,
) -> BranchCalendar:
    """The board of a branch for starts within the window: one Query, one request more for staff at home elsewhere."""
    longest = max((_length(branch, service, wanted.length_min) for service in services), default=0)
    frame = frame_of(window[0], window[1] + longest)
    mondays = _mondays(frame, window, branch, services)
    read = calendar_store.taken_in(company_id, branch.branch_id, mondays)
    able = _able(branch, wanted)
    guests = [
        Staff(id=w.id, company_id=company_id, name="", home_branch_id=w.home_branch_id, hours={}, service_ids=())
        for w in {w.id: w for service in _with_parts(branch, services) for w in able.of_part(service)}.values()
        if w.home_branch_id != branch.branch_id
    ]
    homes: list[Any] = []
    if guests:
        places = travel_time.base_keys(company_id, branch.branch_id, [guest.home_branch_id for guest in guests])
        rows = fetch([*calendar_store.keys(company_id, guests, mondays), *places])
        weeks, homes = rows[: len(rows) - len(places)], rows[len(rows) - len(places) :]
        read |= {c.staff.id: c for c in calendar_store.calendars(company_id, guests, mondays, weeks)}
    taken = {owner: calendar.days for owner, calendar in read.items()}
    mine = {worker.id: taken[worker.id] for worker in able.workers if worker.id in taken}
    groups = open_groups.standing(company_id, branch.branch_id, services, mine, *window)
    trips = _trips(branch, services, wanted, read, travel_time.bases(homes))
    return BranchCalendar(branch, taken, frame, *window, now, groups=groups, trips=trips, full_for_customer=his.full)


def _trips(
    branch: SearchIndex,
    services: Sequence[Service],
    wanted: SearchQuery,
    read: dict[str, Calendar],
    bases: dict[str, Point],
) -> TravelBlocks:
    here = {branch.branch_id: branch.place} if branch.place else {}
    made = TravelBlocks(
        here=wanted.address.point() if wanted.address else None,
        stops={owner: calendar.stops for owner, calendar in read.items() if calendar.stops},
        bases=bases | here,
    )
    ways = made.ways(_able(branch, wanted).workers, _with_parts(branch, services))
    return msgspec.structs.replace(made, known=travel_time.known(ways)) if ways else made


def _with_parts(branch: SearchIndex, services: Sequence[Service]) -> list[Service]:
    parts = [branch.part(part.service_id, "query.service") for service in services for part in service.parts]
    return [*services, *parts]


def _length(branch: SearchIndex, service: Service, length_min: int | None) -> int:
    if not service.parts:
        return length_min or service.duration_min
    return sum(branch.part(p.service_id, "query.service").duration_min + p.gap_min for p in service.parts)


def _mondays(frame: Frame, window: tuple[int, int], branch: SearchIndex, services: Sequence[Service]) -> list[date]:
    """The weeks that the frame touches, and those that a limit counts."""
    zone = branch.zone
    first, last = date.fromordinal(frame.first), date.fromordinal(frame.first + frame.days - 1)
    for service in services:
        # The later parts of a package may begin past midnight.
        latest = window[1] - 1 + (_length(branch, service, None) if service.parts else 0)
        asked = (date.fromordinal(day_of(zone, minute)) for minute in (window[0], latest))
        counted = counted_days(service, *asked)
        if counted:
            first = min(first, moment_of(day_start(zone, counted[0].toordinal())).date())
            last = max(last, moment_of(day_start(zone, counted[1].toordinal() + 1) - 1).date())
    monday = monday_of(first)
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]


def branch_calendar_of(
    company_id: str, branch: SearchIndex, services: Sequence[Service], length_min: int | None, window: tuple[int, int],
    now: datetime,
) -> BranchCalendar:  # fmt: skip
    """What is free for everyone who does these services, for starts in a window of minutes; requests as `search`."""
    wanted = SearchQuery(branch_ids=(branch.branch_id,), services=(), length_min=length_min)
    return _read(company_id, branch, services, wanted, window, now, ANYBODY)
