"""Branches, services and staff for customers who choose: what is published of them, and nothing else."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import GeoAddress, Profile
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery, page_of_all
from chalicelib.core.payloads import Answer, Text
from chalicelib.core.requests import Request
from functions.public.visits import Company, count

if TYPE_CHECKING:
    from chalicelib.booking.practice.models import Branch, Service, Staff
    from chalicelib.booking.reviews.review import Rating

function = Function(__name__)
NEEDS = Needs(reads=("booking",), updates=("guards",))
A = TypeVar("A", bound=Answer)


class CompanyQuery(PageQuery, kw_only=True):
    """Whose."""

    company: Company


class BranchQuery(CompanyQuery):
    """Of one branch, on its terms; or of all."""

    branch_id: Text | None = None


class StaffQuery(BranchQuery):
    """Those who do one service."""

    service_id: Text | None = None


class QuoteAnswer(Answer):
    """A review; nobody's name."""

    rating: int
    text: str
    at: datetime


class RatingAnswer(Answer):
    """What the published reviews come to; `average` of one to five stars, null before the first."""

    average: float | None
    count: int
    latest: list[QuoteAnswer]


class PublicBranch(Answer):
    """A branch. `hours`: the weekly ones; minutes of the local day."""

    id: str
    name: str
    zone: str
    phone: str | None
    language: str
    currency: str
    place: GeoAddress | None
    hours: tuple[Window, ...]
    service_ids: list[str]
    reviews: RatingAnswer


class PublicService(Answer):
    """A service. `price_minor` in minor units of the branch's currency; `longest_min` when the length may be chosen.

    `mobile`: done at the customer's, whose address is needed. `deposit_minor`: to be paid before a booking is
    confirmed. Branches may differ: ask for one.
    """

    id: str
    name: str
    description: str
    category: str
    channel: str
    duration_min: int
    longest_min: int | None
    price_minor: int
    deposit_minor: int
    seats: int
    consultation_id: str | None
    mobile: bool
    branch_ids: list[str]
    staff_ids: list[str]
    reviews: RatingAnswer


class PublicStaff(Answer):
    """A member of staff as published."""

    id: str
    name: str
    profile: Profile
    gender: str | None
    languages: tuple[str, ...]
    branch_ids: list[str]
    service_ids: list[str]
    reviews: RatingAnswer


@function.route("GET", "/public/branches", ability=PUBLIC, needs=NEEDS, errors=("too_many_requests 429",))
def list_public_branches(request: Request, query: CompanyQuery) -> Page[PublicBranch]:
    """The company's branches, with what each offers."""
    from chalicelib.booking.practice_admin.public_catalog import published
    from chalicelib.booking.reviews.store import ratings

    count(request)
    found = published(query.company, None)
    page = page_of_all(found.branches, _id, limit=query.limit, cursor=query.cursor)
    rated = ratings(query.company, [one.id for one in page.data])
    offered = {service.id: {branch.id for branch in found.branches_with(service)} for service in found.services}
    return page.map(
        lambda branch: _shown(
            PublicBranch,
            branch,
            service_ids=[service_id for service_id, branch_ids in offered.items() if branch.id in branch_ids],
            reviews=_rating(rated[branch.id]),
        )
    )


@function.route(
    "GET",
    "/public/services",
    ability=PUBLIC,
    needs=NEEDS,
    errors=("branch_not_found 404", "too_many_requests 429"),
)
def list_public_services(request: Request, query: BranchQuery) -> Page[PublicService]:
    """Services that some branch offers; of one branch with its own lengths and prices."""
    from chalicelib.booking.practice_admin.public_catalog import published
    from chalicelib.booking.reviews.store import ratings

    count(request)
    found = published(query.company, query.branch_id)
    branches = {service.id: found.branches_with(service) for service in found.services}
    offered = [service for service in found.services if branches[service.id]]
    page = page_of_all(offered, _id, limit=query.limit, cursor=query.cursor)
    rated = ratings(query.company, [one.id for one in page.data])
    return page.map(
        lambda service: _shown(
            PublicService,
            service,
            deposit_minor=found.deposit_of(service),
            branch_ids=[branch.id for branch in branches[service.id]],
            staff_ids=[member.id for member in found.doing(service.id)],
            reviews=_rating(rated[service.id]),
        )
    )


@function.route(
    "GET",
    "/public/staff",
    ability=PUBLIC,
    needs=NEEDS,
    errors=("branch_not_found 404", "too_many_requests 429"),
)
def list_public_staff(request: Request, query: StaffQuery) -> Page[PublicStaff]:
    """Staff who are published, with their profiles and what each does."""
    from chalicelib.booking.practice_admin.public_catalog import published
    from chalicelib.booking.reviews.store import ratings

    count(request)
    found = published(query.company, query.branch_id)
    members = found.staff if query.service_id is None else found.doing(query.service_id)
    page = page_of_all(members, _id, limit=query.limit, cursor=query.cursor)
    rated = ratings(query.company, [one.id for one in page.data])
    return page.map(
        lambda member: _shown(
            PublicStaff,
            member,
            branch_ids=found.branches_of(member),
            service_ids=found.services_of(member),
            reviews=_rating(rated[member.id]),
        )
    )


def _shown(kind: type[A], record: "Branch | Service | Staff", **more: Any) -> A:
    """The record as published: the fields that the answer has of it, and what else is said."""
    names = [name for name in kind.__struct_fields__ if name not in more]
    return kind(**{name: getattr(record, name) for name in names}, **more)


def _id(record: "Branch | Service | Staff") -> str:
    return record.id


def _rating(rating: "Rating") -> RatingAnswer:
    from chalicelib.booking.reviews.review import SHOWN

    latest = [QuoteAnswer(rating=quote.rating, text=quote.text, at=quote.at) for quote in rating.newest[:SHOWN]]
    return RatingAnswer(average=rating.average, count=rating.count, latest=latest)
