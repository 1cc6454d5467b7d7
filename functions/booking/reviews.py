"""Reviews for staff: the link for a customer, what was said, what of it the public sees."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Text
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.booking.reviews.review import Review

function = Function(__name__)


class LinkAnswer(Answer):
    """Where the customer may leave the review; it is shown this once."""

    url: str
    expires_at: datetime


class ReviewAnswer(Answer):
    """A review; `status`: published or hidden."""

    id: str
    appointment_id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    rating: int
    text: str
    status: str
    created_at: datetime
    version: int


class ReviewQuery(PageQuery):
    """Of one member of staff, of one branch, or of a status."""

    staff_id: Text | None = None
    branch_id: Text | None = None
    status: Literal["published", "hidden"] | None = None


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/review-link",
    ability="reviews:write",
    status=201,
    idempotent=False,
    needs=Needs(reads=("booking",), writes=("directory",)),
    errors=("appointment_not_found 404", "not_completed 409"),
)
def make_review_link(request: Request, appointment_id: str) -> LinkAnswer:
    """A link for the customer of a completed appointment, good for ninety days and one review."""
    from chalicelib.booking.reviews import submit as review_submit

    made = review_submit.invite(request.unit, request.company_id, appointment_id, now)
    return LinkAnswer(url=made.url, expires_at=made.expires_at)


@function.route("GET", "/api/reviews", ability="reviews:read", needs=Needs(reads=("booking",)))
def list_reviews(request: Request, query: ReviewQuery) -> Page[ReviewAnswer]:
    """Reviews, the newest first."""
    from chalicelib.booking.reviews import store as review_store

    which = review_store.ReviewFilter(staff_id=query.staff_id, branch_id=query.branch_id, status=query.status)
    return review_store.page_reviews(request.company_id, which, query.limit, query.cursor).map(_show)


@function.route(
    "POST",
    "/api/reviews/{review_id}/hide",
    ability="reviews:write",
    needs=Needs(writes=("booking",)),
    errors=("review_not_found 404",),
)
def hide_review(request: Request, review_id: str) -> ReviewAnswer:
    """Let the public see and count it no longer."""
    return _moderate(request, review_id, "hidden")


@function.route(
    "POST",
    "/api/reviews/{review_id}/publish",
    ability="reviews:write",
    needs=Needs(writes=("booking",)),
    errors=("review_not_found 404",),
)
def publish_review(request: Request, review_id: str) -> ReviewAnswer:
    """Let the public see it again."""
    return _moderate(request, review_id, "published")


def _moderate(request: Request, review_id: str, status: Literal["published", "hidden"]) -> ReviewAnswer:
    from chalicelib.booking.reviews import submit as review_submit

    return _show(review_submit.moderate(lambda: request.unit(_show), request.company_id, review_id, status))


def _show(review: "Review") -> ReviewAnswer:
    return ReviewAnswer(**{name: getattr(review, name) for name in ReviewAnswer.__struct_fields__})
