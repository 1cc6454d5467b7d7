"""What clients get to see of free times."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chalicelib.core.clock import now
from chalicelib.core.payloads import Answer
from functions.booking.addresses import address_in_query

if TYPE_CHECKING:
    from chalicelib.booking.availability.search import SearchResult
    from chalicelib.booking.availability.search_query import SearchQuery


class PartAnswer(Answer):
    """A part of a package, with who and what it takes."""

    service_id: str
    starts_at: datetime
    ends_at: datetime
    staff_id: str
    resource_ids: tuple[str, ...]


class SlotAnswer(Answer):
    """A free time. `free_staff` could take it, of whom the first ten are named.

    `resource_ids`: one room or device of each kind that is needed. `parts`: of a package, in order; its `staff_ids`
    are then those of the parts. `seats_left`: of a service with seats; a group that stands and can be joined has fewer
    than the service.
    """

    starts_at: datetime
    ends_at: datetime
    staff_ids: tuple[str, ...]
    free_staff: int
    resource_ids: tuple[str, ...] = ()
    parts: list[PartAnswer] = []
    seats_left: int | None = None


class ReasonAnswer(Answer):
    """Why a time is not free: a rule, or the kind of entry (`by`) that took it, and whose time it is."""

    code: str
    staff_id: str | None
    resource_id: str | None
    by: str | None


class ServiceSlotsAnswer(Answer):
    """What a branch has free of a service; times on the clock of `zone`.

    `more`: ask again from the last day listed. `consultation_id`: the service that the customer must have completed
    before; `consultation_first`: the customer asked for has not. `reasons`: of the one time asked about.
    """

    branch_id: str
    service_id: str
    zone: str
    slots: list[SlotAnswer]
    more: bool
    consultation_id: str | None
    reasons: list[ReasonAnswer]
    consultation_first: bool = False


class AvailabilityAnswer(Answer):
    """A result for each branch and each service that it offers."""

    results: list[ServiceSlotsAnswer]


def counted(company_id: str, found: "list[SearchResult]") -> "list[SearchResult]":
    """What was found, after the search was counted once for each branch: bookings are compared with searches."""
    from chalicelib.analytics.count_searches import count_search

    for branch in {one.branch.branch_id: one.branch for one in found}.values():
        count_search(company_id, branch.branch_id, branch.zone, now)
    return found


def search_query(query: Any, *, published: bool = False) -> "SearchQuery":
    """What a query string asks for."""
    from chalicelib.booking.availability.search_query import SearchQuery

    return SearchQuery(
        branch_ids=tuple(query.branch_id),
        services=tuple(query.service),
        first=query.from_,
        last=query.to,
        zone=query.zone,
        staff=query.staff,
        gender=query.gender,
        language=query.language,
        skill=query.skill,
        length_min=query.length_min,
        published=published,
        most=query.limit,
        address=address_in_query(query.latitude, query.longitude),
        customer_id=None if published else query.customer_id,
    )


def show(found: "list[SearchResult]") -> AvailabilityAnswer:
    """Free times as clients see them."""
    return AvailabilityAnswer(results=[_result(result) for result in found])


def _result(result: "SearchResult") -> ServiceSlotsAnswer:
    clock = ZoneInfo(result.zone)

    def at(minute: int) -> datetime:
        return datetime.fromtimestamp(minute * 60, clock)

    slots = [
        SlotAnswer(
            starts_at=at(slot.start),
            ends_at=at(slot.end),
            staff_ids=slot.staff_ids,
            free_staff=slot.free,
            resource_ids=slot.room_ids,
            parts=[
                PartAnswer(
                    service_id=part.service_id,
                    starts_at=at(part.start),
                    ends_at=at(part.end),
                    staff_id=part.staff_id,
                    resource_ids=part.room_ids,
                )
                for part in slot.parts
            ],
            seats_left=slot.seats_left,
        )
        for slot in result.slots
    ]
    reasons = [ReasonAnswer(code=r.code, staff_id=r.staff_id, resource_id=r.room_id, by=r.by) for r in result.reasons]
    return ServiceSlotsAnswer(
        branch_id=result.branch.branch_id,
        service_id=result.service.id,
        zone=result.zone,
        slots=slots,
        more=result.more,
        consultation_id=result.service.consultation_id,
        reasons=reasons,
        consultation_first=result.consultation_first,
    )
