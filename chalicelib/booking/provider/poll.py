"""Asking a provider what has changed, since it may tell each piece of news once and never again.

Changes are read oldest first, from a little before the last one that was acted on. The cursor moves over a page once
all of it is applied, so what breaks off is read again. Pages go on from the last change read rather than from an
offset: what changes meanwhile moves to the end of the list, and an offset would skip what takes its place.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime, timedelta

from chalicelib.booking.appointments.external import BookingProvider, ExternalBooking, Provider
from chalicelib.booking.provider import cursor_store
from chalicelib.booking.provider.cursor_store import ProviderCursor
from chalicelib.booking.provider.news import NewsContext, apply_news, unknown
from chalicelib.core import metrics
from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError, RateLimited, Stale, Unavailable
from chalicelib.core.events import Job
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log

FIRST_LOOK = timedelta(days=30)
OVERLAP = timedelta(minutes=2)
"""A change shows up a moment after the time it bears."""
LONGEST = timedelta(seconds=40)
MOST_SEEN = 2000
_INSTANT = timedelta(milliseconds=1)
_NOTHING = ("unchanged", "over", "late", "unknown event type", "incomplete")


def follow(provider: Provider, context: JobContext, job_for: Callable[[str], Job]) -> None:
    """Act on what has changed; goes on in a moment when there is too much for one job. Nothing without credentials.

    `job_for`: the job that acts on one booking by its id, should it not be possible now.
    """
    with connected(provider) as client:
        if client:
            _Poll(provider, client, context, job_for).run()


def apply_one(provider: Provider, booking_id: str, context: JobContext) -> None:
    """Act on one booking. Nothing without credentials."""
    with connected(provider) as client:
        booking = client.find(booking_id) if client else None
        if client and booking:
            apply_news(_news_context(provider, client, context), booking)


def connected(provider: Provider) -> AbstractContextManager[BookingProvider | None]:
    """A connection, closed in the end; None where there are no credentials."""
    try:
        return closing(provider.connect())
    except Unavailable as error:
        log.info("provider not asked", extra={"provider": provider.name, "why": error.code})
        return nullcontext(None)


def _news_context(provider: Provider, client: BookingProvider, context: JobContext) -> NewsContext:
    return NewsContext(provider, context.unit, context.clock, lambda: nullcontext(client))


class _Poll:
    def __init__(
        self, provider: Provider, client: BookingProvider, context: JobContext, job_for: Callable[[str], Job]
    ) -> None:
        self._client, self._context, self._job_for = client, context, job_for
        self._news = _news_context(provider, client, context)
        first = ProviderCursor(provider=provider.name, since=context.clock() - FIRST_LOOK, version=0)
        self._cursor = cursor_store.find(context.company_id, provider.name) or first

    def run(self) -> None:
        give_over = self._context.clock() + LONGEST
        after, skip = self._cursor.since - OVERLAP, 0
        while True:
            page, more = self._client.changes(after, skip)
            self._apply(page)
            if not page or not more:
                return
            newest = _changed_at(page[-1]) - _INSTANT
            after, skip = (newest, 0) if newest > after else (after, skip + len(page))
            if self._context.clock() > give_over:
                raise Postpone(1, "there is more than one job can do")

    def _apply(self, page: list[ExternalBooking]) -> None:
        fresh = [booking for booking in page if _key(booking) not in self._cursor.seen]
        for booking in unknown(fresh):
            self._apply_one(booking)
        if fresh:
            self._move(page)

    def _apply_one(self, booking: ExternalBooking) -> None:
        try:
            done = apply_news(self._news, booking)
        except (RateLimited, Unavailable, Stale):
            raise
        except DomainError as error:
            # One booking that cannot be applied must not hold up the others; its own job says so for good.
            log.warning("booking not applied", extra={"uid": booking.id, "code": error.code})
            unit = self._context.unit()
            unit.enqueue(self._job_for(str(booking.id)))
            unit.commit()
            return
        if done not in _NOTHING:
            metrics.count("BookingNewsMissed", provider=booking.provider, done=done)

    def _move(self, page: list[ExternalBooking]) -> None:
        since = max(self._cursor.since, _changed_at(page[-1]))
        edge = f"{stamp(since - OVERLAP)}@"
        keys = {*self._cursor.seen, *(_key(booking) for booking in page)}
        seen = tuple(sorted(key for key in keys if key >= edge))[-MOST_SEEN:]
        provider, version = self._cursor.provider, self._cursor.version + 1
        self._cursor = ProviderCursor(provider=provider, since=since, seen=seen, version=version)
        unit = self._context.unit()
        cursor_store.save(unit, self._cursor)
        unit.commit()


def _changed_at(booking: ExternalBooking) -> datetime:
    at = booking.told_at or booking.starts_at
    assert at, "a booking that a provider lists says when it changed, or when it begins"
    return at


def _key(booking: ExternalBooking) -> str:
    return f"{stamp(_changed_at(booking))}@{booking.id}"
