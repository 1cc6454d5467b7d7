"""What is searched for, checked against the branches that are asked; pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.availability.search_index import SearchIndex
from chalicelib.booking.availability.slots import Able
from chalicelib.booking.engine.clocks import day_start
from chalicelib.booking.engine.windows import Window
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.hours import check_zone
from chalicelib.booking.practice.models import Gender, GeoAddress, Service
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.core.errors import Fault, NotFound, invalid, raise_faults

MOST_DAYS = 62
MOST_SERVICES, MOST_BRANCHES, MOST_PAIRS = 10, 5, 20
ANYONE = "any"


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for. `services` by id or name; `staff` by id; days by the clock of `zone` (None: the branch's).

    `first` None: today; `last` None: that one day. `length_min` for services of flexible length. `published`: only what
    customers may see. `most`: slots for each service and branch. `address`: where the customer is, for mobile services.
    `customer_id`: for whom, if that is known: then their blocks, consultations and limits count.
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

    @property
    def here(self) -> Point | None:
        """Where the customer is."""
        return self.address.point() if self.address else None

    def window(self, zone: str, now: datetime) -> Window:
        """From which minute until before which the days last that are asked about, UTC; raises Invalid."""
        first = self.first or now.astimezone(ZoneInfo(zone)).date()
        last = self.last or first
        if last < first:
            raise invalid("query.to", "ends_before_start", "`to` is not before `from`, which is today if not given.")
        if (last - first).days >= MOST_DAYS:
            raise invalid("query.to", "range_too_long", f"Ask for at most {MOST_DAYS} days at once.")
        if abs(first - now.date()) > FURTHEST:
            raise invalid("query.from", "too_far", "Ask about days within two years from now.")
        return day_start(zone, first.toordinal()), day_start(zone, last.toordinal() + 1)

    def able(self, index: SearchIndex) -> Able:
        """Who of a branch may be given what is looked for."""
        seen = (member for member in index.staff if member.published or not self.published)
        suited = tuple(member for member in seen if member.suits(self.gender, self.language, self.skill))
        return Able(suited, None if self.staff == ANYONE else self.staff)


class BranchSearch(msgspec.Struct, frozen=True):
    """What is looked for in one branch: these services, in a window of minutes (UTC) in which they start."""

    company_id: str
    index: SearchIndex
    services: Sequence[Service]
    window: Window
    query: SearchQuery

    def with_parts(self) -> list[Service]:
        """The services and those that the packages among them consist of; raises Invalid when one is not offered."""
        return [*self.services, *(part for service in self.services for part in self.index.parts_of(service))]

    def longest(self, service: Service) -> int:
        """The most minutes that the service may take from its start, waits included."""
        if not service.parts:
            return self.query.length_min or service.duration_min
        return sum(part.duration_min for part in self.index.parts_of(service)) + sum(p.gap_min for p in service.parts)


def check(query: SearchQuery) -> None:
    """Raises Invalid for what no branch could answer."""
    faults = [*_of_lists(query)]
    if query.first and query.last and query.last < query.first:
        faults.append(Fault("query.to", "ends_before_start", "`to` is not before `from`."))
    raise_faults(faults)
    if query.zone is not None:
        check_zone(query.zone, "query.zone")


def services_of(query: SearchQuery, branches: Sequence[SearchIndex]) -> list[list[Service]]:
    """What each branch offers of the services asked for.

    Raises NotFound for a branch that visitors may not see, Invalid for staff and skills that none of them has, for a
    service that none of them offers, and for a length or an address that does not go with it.
    """
    for index in branches:
        if query.published and not index.published:
            raise NotFound("branch_not_found", f"There is no branch {index.branch_id}.")
    _check_staff(query, branches)
    found: list[list[Service]] = [[] for _ in branches]
    for number, name in enumerate(dict.fromkeys(query.services)):
        offered = [_offered(index, name, query) for index in branches]
        if not any(offered):
            raise invalid(f"query.service[{number}]", "unknown_service", f"{name!r} is not offered there.")
        for services, service in zip(found, offered, strict=True):
            if service:
                services.append(service)
    return found


def _of_lists(query: SearchQuery) -> Iterator[Fault]:
    services, branches = len(set(query.services)), len(set(query.branch_ids))
    for name, count, most in (("service", services, MOST_SERVICES), ("branch_id", branches, MOST_BRANCHES)):
        if not count:
            yield Fault(f"query.{name}", "required", "Give at least one.")
        elif count > most:
            yield Fault(f"query.{name}", "too_many", f"Ask for at most {most} at once.")
    if services * branches > MOST_PAIRS:
        yield Fault("query.service", "too_many", f"Services times branches are at most {MOST_PAIRS}.")


def _check_staff(query: SearchQuery, branches: Sequence[SearchIndex]) -> None:
    everyone = [member for index in branches for member in index.staff if member.published or not query.published]
    if query.staff not in (None, ANYONE) and all(member.id != query.staff for member in everyone):
        raise invalid("query.staff", "unknown_staff", f"{query.staff!r} does not work there.")
    skill = query.skill
    if skill and not any(one.name == skill.casefold() for member in everyone for one in member.abilities):
        raise invalid("query.skill", "skill_nobody_has", f"Nobody has the skill {skill!r}.")


def _offered(index: SearchIndex, name: str, query: SearchQuery) -> Service | None:
    service = index.service(name)
    if service is None or (query.published and not service.published):
        return None
    if query.address is None and any(one.mobile for one in (service, *index.parts_of(service))):
        sentence = f"{service.name} is done at the customer's: say where, with `latitude` and `longitude`."
        raise invalid("query.latitude", "required", sentence)
    length, longest = query.length_min, service.longest_min or service.duration_min
    if length is not None and not service.duration_min <= length <= longest:
        sentence = f"{service.name} takes {service.duration_min} to {longest} minutes."
        raise invalid("query.length_min", "length_not_offered", sentence)
    return service
