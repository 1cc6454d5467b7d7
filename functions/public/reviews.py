"""Leaving a review, by the link that came after the visit."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.booking.reviews.review import Stars
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.public.visits import count

function = Function(__name__)


class ReviewBody(Body):
    """One to five stars, and what the customer has to say."""

    rating: Stars
    text: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class LeftAnswer(Answer):
    """The review as it stands."""

    rating: int
    text: str
    created_at: datetime


@function.route(
    "POST",
    "/public/reviews/{token}",
    ability=PUBLIC,
    status=201,
    needs=Needs(writes=("booking",), reads=("directory",)),
    errors=("unknown_link 404", "already_reviewed 409", "not_completed 409", "too_many_requests 429"),
    example={"rating": 5, "text": "Friendly, and on time."},
)
def leave_review(request: Request, token: str, body: ReviewBody) -> LeftAnswer:
    """Leave the one review of the visit that the link is for."""
    from chalicelib.booking.reviews import submit as review_submit
    from chalicelib.booking.reviews.review import Review

    def show(review: Review) -> LeftAnswer:
        return LeftAnswer(rating=review.rating, text=review.text, created_at=review.created_at)

    count(request)
    left = review_submit.leave(lambda company_id: request.unit(show, company_id), token, body.rating, body.text, now)
    return show(left)
