"""Other branches of a company that offer a service: where to look when the branch that was asked has no time."""

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation.context import BranchContext, CalendarFilter
from chalicelib.booking.alternatives.refusal import RefusedRequest
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.geo import Point, great_circle_km
from chalicelib.booking.practice.models import Branch, Offer, Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import deposits

MOST_LISTED = 50
"""Of a chain with more branches than this, the first are looked at: a refusal is not to read a whole company."""
MOST_SCHEDULES, MOST_READ = 6, 3
"""So many schedules, and of those that offer the service so many branches' calendars."""


def others(refused: RefusedRequest, schedule: Schedule, service_id: str) -> list[BranchContext]:
    """Up to three other branches with someone who does the service, the nearest first; three requests at most.

    Nearest to the customer's address, or else to the branch that was asked; those whose place is not known come last.
    """
    company_id, here = schedule.branch.company_id, schedule.branch
    listed = practice_store.page_of(Branch, company_id, limit=MOST_LISTED, cursor=None).data
    candidates = [one for one in listed if one.id != here.id and _offers(one, service_id, refused.published)]
    middle = refused.point(refused.service) or (here.place.point() if here.place else None)
    nearest = [one.id for one in sorted(candidates, key=lambda branch: _distance(branch, middle))[:MOST_SCHEDULES]]
    found = practice_store.schedules(company_id, nearest) if nearest else {}
    suited = [found[branch_id] for branch_id in nearest if branch_id in found and _does(found[branch_id], service_id)]
    only = CalendarFilter(service=service_id)
    return branch_context.read_all(suited[:MOST_READ], refused.between, only) if suited else []


def with_length(service: Service, length_min: int | None) -> Service | None:
    """The service as this branch has it, of the length asked for; None when it has no such length."""
    if length_min in (None, service.duration_min):
        return service
    longest = service.longest_min if service.category == "flexible" else None
    fits = service.duration_min <= length_min <= (longest or 0)
    if not fits or (length_min - service.duration_min) % service.slot_interval_min:
        return None
    return msgspec.structs.replace(service, duration_min=length_min)


def _offers(branch: Branch, service_id: str, published: bool) -> bool:
    return (branch.published or not published) and branch.offers.get(service_id, Offer()).offered


def _does(schedule: Schedule, service_id: str) -> bool:
    service = schedule.find_service(service_id)
    # With a deposit that has not been paid there, nothing would be bookable as given.
    if service is None or deposits.due(schedule.policy(service)):
        return False
    done = {service_id for member in schedule.staff for service_id in member.service_ids}
    if service.parts:
        return all(schedule.find_service(part.service_id) and part.service_id in done for part in service.parts)
    return service.id in done


def _distance(branch: Branch, middle: Point | None) -> tuple[bool, float, str]:
    known = branch.place is not None and middle is not None
    far = great_circle_km(branch.place.point(), middle) if branch.place and middle else 0.0
    return not known, far, branch.id
