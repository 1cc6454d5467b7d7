"""Reviews and ratings in DynamoDB."""

from collections.abc import Iterable

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.booking.reviews.review import Rating, Review
from chalicelib.booking.tables import BookingRow
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.records import RecordKind
from chalicelib.core.tables import Key, encode, fetch_map
from chalicelib.core.unit import Unit

LISTING = Listing(BookingRow, None, "pk", "sk")
REVIEWS = RecordKind(
    BookingRow,
    Review,
    lambda company_id, review_id: (f"{company_id}#reviews", review_id),
    lambda review_id: NotFound("review_not_found", f"There is no review {review_id}."),
)
get_review = REVIEWS.get


def add_review(unit: Unit, review: Review) -> None:
    """Add it; the unit ends as Conflict `already_reviewed` when its appointment has one."""
    unit.add(_row(review))
    twice = Conflict("already_reviewed", "This appointment has a review already.")
    unit.add(BookingRow(f"{review.company_id}#{review.appointment_id}", "review", data=encode(review.id)), twice)


def save_review(unit: Unit, review: Review) -> None:
    """Write its next version; the unit ends as Stale when someone else did."""
    unit.put(_row(review), BookingRow.version == review.version - 1)


class ReviewFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which reviews of a company; None: all."""

    staff_id: str | None = None
    branch_id: str | None = None
    status: str | None = None


def page_reviews(company_id: str, which: ReviewFilter, limit: int, cursor: str | None) -> Page[Review]:
    """Reviews of a company, the newest first."""
    only: Condition | None = None
    for attribute, value in (
        (BookingRow.staff, f"{company_id}#{which.staff_id}" if which.staff_id else None),
        (BookingRow.branch, f"{company_id}#{which.branch_id}" if which.branch_id else None),
        (BookingRow.status, which.status),
    ):
        if value:
            only = (attribute == value) if only is None else only & (attribute == value)
    selection = Selection(only=only, newest_first=True)
    found = page(LISTING, f"{company_id}#reviews", limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: row.model(Review))


def ratings(company_id: str, record_ids: Iterable[str]) -> dict[str, Rating]:
    """What each record's reviews come to, also of those without any; one request for up to 100."""
    keys = {record_id: Key(BookingRow, f"{company_id}#ratings", record_id) for record_id in record_ids}
    rows = fetch_map(keys.values())
    return {
        record_id: Rating(record_id=record_id) if rows[key] is None else rows[key].model(Rating)
        for record_id, key in keys.items()
    }


def save_rating(unit: Unit, rating: Rating) -> None:
    """Write its next version; the unit ends as Stale when someone else did."""
    row = BookingRow(f"{unit.company_id}#ratings", rating.record_id, data=encode(rating), version=rating.version)
    unit.put(row, BookingRow.pk.does_not_exist() if rating.version == 1 else BookingRow.version == rating.version - 1)


def _row(review: Review) -> BookingRow:
    # Without `starts_at` it lies in none of the indexes that list appointments.
    company_id = review.company_id
    return BookingRow(
        *REVIEWS.address(company_id, review.id),
        data=encode(review),
        version=review.version,
        status=review.status,
        branch=f"{company_id}#{review.branch_id}",
        staff=f"{company_id}#{review.staff_id}" if review.staff_id else None,
    )
