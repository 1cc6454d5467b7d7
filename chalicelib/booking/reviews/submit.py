"""Reviews: the link a customer gets after a visit, what they leave there, and what staff let stand.

A review and the ratings that count it are written in one transaction, so that it is counted once, whatever comes twice.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.reviews import store as review_store
from chalicelib.booking.reviews.review import Rating, Review
from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict, NotFound, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.settings import settings
from chalicelib.core.unit import CompanyUnitFactory, Unit, UnitFactory

LINK = "review"
"""The kind of directory key under which the digest of a link's secret leads to the appointment."""
GOOD_FOR = timedelta(days=90)


class ReviewLink(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customer may leave a review; it is shown once."""

    url: str
    expires_at: datetime


def invite(new_unit: UnitFactory, company_id: str, appointment_id: str, clock: Clock) -> ReviewLink:
    """A link for a completed appointment; each time a new one, all of them for the same one review.

    Raises NotFound, Conflict `not_completed`.
    """
    _completed(appointment_store.get_appointment(company_id, appointment_id))
    secret, until = secrets.token_urlsafe(32), clock() + GOOD_FOR
    unit = new_unit()
    unit.free_key()
    directory.claim(unit, Claim(LINK, directory.digest_of(secret), appointment_id, expires_at=epoch(until)), Stale())
    unit.audit("review.invited", appointment_id)
    unit.commit()
    return ReviewLink(url=f"{settings().public_url}/public/reviews/{secret}", expires_at=until)


def leave(new_unit: CompanyUnitFactory, secret: str, rating: int, text: str, clock: Clock) -> Review:
    """Write the one review of the appointment behind a link.

    Raises NotFound for a link that does not exist or no longer, Conflict `already_reviewed`, `not_completed`.
    """
    entry = directory.find(LINK, directory.digest_of(secret))
    if entry is None or (entry.expires_at or 0) <= epoch(clock()):
        raise NotFound("unknown_link", "This link does not exist, or no longer.")
    visit = _completed(appointment_store.get_appointment(entry.company_id, entry.record))
    review = Review(
        id=new_id("rev"),
        company_id=entry.company_id,
        appointment_id=visit.id,
        branch_id=visit.branch_id,
        service_id=visit.service_id,
        staff_id=visit.staff_id,
        rating=rating,
        text=text.strip(),
        created_at=clock(),
    )

    def stage(unit: Unit) -> Review:
        review_store.add_review(unit, review)
        _count(unit, review, Rating.with_review)
        unit.audit("review.left", review.id, appointment=visit.id)
        return review

    return _commit(lambda: new_unit(entry.company_id), stage)


def moderate(new_unit: UnitFactory, company_id: str, review_id: str, status: Literal["published", "hidden"]) -> Review:
    """Hide a review from the public, or let it be seen again; one that is so already stays. Raises NotFound."""

    def stage(unit: Unit) -> Review:
        current = review_store.get_review(company_id, review_id)
        if current.status == status:
            return current
        changed = replace(current, status=status, version=current.version + 1)
        review_store.save_review(unit, changed)
        _count(unit, changed, Rating.with_review if status == "published" else Rating.without_review)
        unit.audit(f"review.{status}", review_id, ("status",))
        return changed

    return _commit(new_unit, stage)


def _commit(new_unit: UnitFactory, stage: Callable[[Unit], Review]) -> Review:
    # A branch's rating is shared by all its reviews: whoever finds it changed reads again.
    def attempt() -> Review:
        unit = new_unit()
        review = stage(unit)
        unit.commit(review)
        return review

    return until_committed(attempt, "reviews_busy", "Many are reviewing at once; try again in a moment.")


def _count(unit: Unit, review: Review, change: Callable[[Rating, Review], Rating]) -> None:
    for rating in review_store.ratings(review.company_id, review.concerns()).values():
        review_store.save_rating(unit, change(rating, review))


def _completed(visit: Appointment) -> Appointment:
    if visit.status != "completed":
        raise Conflict("not_completed", "Only a completed appointment can be reviewed.")
    return visit
