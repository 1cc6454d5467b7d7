"""Reviews that customers leave after a visit, and what they come to for a branch, a service, a member of staff."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

Stars = Annotated[int, msgspec.Meta(ge=1, le=5)]
KEPT = 10
"""Newest reviews that lie with a rating. Three are shown, so that hiding some of them uncovers others."""
SHOWN = 3


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer says of a completed appointment; who it was is not kept with it."""

    id: str
    company_id: str
    appointment_id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    rating: Stars
    text: str = ""
    status: Literal["published", "hidden"] = "published"
    created_at: datetime
    version: int = 1

    def concerns(self) -> tuple[str, ...]:
        """The records whose rating it counts for."""
        return tuple(record for record in (self.branch_id, self.service_id, self.staff_id) if record)


class Quote(msgspec.Struct, frozen=True):
    """A review as the public sees it."""

    review_id: str
    rating: int
    text: str
    at: datetime


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """The published reviews of a record: how many, the sum of their stars, the newest of them."""

    record_id: str
    count: int = 0
    total: int = 0
    newest: tuple[Quote, ...] = ()
    version: int = 0

    @property
    def average(self) -> float | None:
        """Stars, to two places; None before the first review."""
        return round(self.total / self.count, 2) if self.count else None

    def with_review(self, review: Review) -> "Rating":
        """The next version, one more counted."""
        quote = Quote(review.id, review.rating, review.text, review.created_at)
        newest = sorted((*self.newest, quote), key=lambda one: (one.at, one.review_id), reverse=True)[:KEPT]
        return self._next(1, review.rating, tuple(newest))

    def without_review(self, review: Review) -> "Rating":
        """The next version, one less counted."""
        return self._next(-1, -review.rating, tuple(one for one in self.newest if one.review_id != review.id))

    def _next(self, count: int, stars: int, newest: tuple[Quote, ...]) -> "Rating":
        return replace(
            self, count=self.count + count, total=self.total + stars, newest=newest, version=self.version + 1
        )
