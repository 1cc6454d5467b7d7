"""Asking Cal.com every five minutes what has changed: it sends each webhook once, and never again.

Changes are read oldest first, from a little before the last one that was acted on. The cursor moves over a page once
all of it is applied, so what breaks off is read again. Pages go on from the last change read rather than from an
offset: what changes meanwhile moves to the end of the list, and an offset would skip what takes its place.
"""

from contextlib import AbstractContextManager, closing, nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.change_context import connect
from chalicelib.booking.calcom import cursor_store
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.commit import UID
from chalicelib.booking.calcom.cursor_store import CalComCursor
from chalicelib.booking.calcom.state import as_event, echoes
from chalicelib.booking.calcom.webhook_events import apply_event
from chalicelib.booking.jobs import ApplyCalComBooking, PollCalCom
from chalicelib.core import directory, metrics
from chalicelib.core.clock import stamp
from chalicelib.core.errors import DomainError, RateLimited, Stale, Unavailable
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.core.tables import fetch_map

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.client import Booking, CalCom

FIRST_LOOK = timedelta(days=30)
OVERLAP = timedelta(minutes=2)
"""A change shows up a moment after the time it bears."""
LONGEST = timedelta(seconds=40)
MOST_SEEN = 2000
_INSTANT = timedelta(milliseconds=1)
_NOTHING = ("unchanged", "over", "late", "unknown event type", "incomplete", "kept")


def poll(job: PollCalCom, context: JobContext) -> None:
    """Act on what has changed; goes on in a moment when there is too much for one job."""
    with _client() as client:
        if client:
            _Poll(job.company_id, client, context).run()


def apply_one(job: ApplyCalComBooking, context: JobContext) -> None:
    """Act on one booking."""
    with _client() as client:
        booking = calcom_requests.latest(job.uid, client) if client else None
        if client and booking:
            apply_event(as_event(booking), context.unit, context.clock, lambda: nullcontext(client))


def _client() -> "AbstractContextManager[CalCom | None]":
    try:
        return closing(connect())
    except Unavailable as error:
        log.info("calcom not polled", extra={"why": error.code})
        return nullcontext(None)


class _Poll:
    def __init__(self, company_id: str, client: "CalCom", context: JobContext) -> None:
        self._client = client
        self._context = context
        self._cursor = cursor_store.find(company_id) or CalComCursor(since=context.clock() - FIRST_LOOK, version=0)

    def run(self) -> None:
        give_over = self._context.clock() + LONGEST
        after, skip = self._cursor.since - OVERLAP, 0
        while True:
            page, more = self._client.changed(after, skip)
            self._apply(page)
            if not page or not more:
                return
            newest = _changed_at(page[-1]) - _INSTANT
            after, skip = (newest, 0) if newest > after else (after, skip + len(page))
            if self._context.clock() > give_over:
                raise Postpone(1, "there is more than one job can do")

    def _shared(self) -> "AbstractContextManager[CalCom]":
        return nullcontext(self._client)

    def _apply(self, page: "list[Booking]") -> None:
        fresh = [booking for booking in page if _key(booking) not in self._cursor.seen]
        for booking in _unknown(fresh):
            self._apply_one(booking)
        if fresh:
            self._move(page)

    def _apply_one(self, booking: "Booking") -> None:
        try:
            done = apply_event(as_event(booking), self._context.unit, self._context.clock, self._shared)
        except (RateLimited, Unavailable, Stale):
            raise
        except DomainError as error:
            # One booking that cannot be applied must not hold up the others; its own job says so for good.
            log.warning("calcom booking not applied", extra={"uid": booking.uid, "code": error.code})
            unit = self._context.unit()
            unit.enqueue(ApplyCalComBooking(company_id=unit.company_id, uid=booking.uid))
            unit.commit()
            return
        if done not in _NOTHING:
            metrics.count("CalComNewsMissed", done=done)

    def _move(self, page: "list[Booking]") -> None:
        since = max(self._cursor.since, _changed_at(page[-1]))
        edge = f"{stamp(since - OVERLAP)}@"
        keys = {*self._cursor.seen, *(_key(booking) for booking in page)}
        seen = tuple(sorted(key for key in keys if key >= edge))[-MOST_SEEN:]
        self._cursor = CalComCursor(since=since, seen=seen, version=self._cursor.version + 1)
        unit = self._context.unit()
        cursor_store.save(unit, self._cursor)
        unit.commit()


def _unknown(bookings: "list[Booking]") -> "list[Booking]":
    """Those that tell something else than our appointments do; three requests, however many there are."""
    rows = fetch_map(directory.key(UID, booking.uid) for booking in bookings)
    entries = {key: directory.entry(row) for key, row in rows.items()}
    ours = appointment_store.appointments_of({one.record: one.company_id for one in entries.values() if one})
    left = []
    for booking in bookings:
        entry = entries[directory.key(UID, booking.uid)]
        appointment = ours.get(entry.record) if entry else None
        replaced = appointment is not None and appointment.external_id not in (None, booking.uid)
        if appointment is None or not (replaced or echoes(appointment, as_event(booking))):
            left.append(booking)
    return left


def _changed_at(booking: "Booking") -> datetime:
    return booking.updated_at or booking.created_at or booking.start


def _key(booking: "Booking") -> str:
    return f"{stamp(_changed_at(booking))}@{booking.uid}"
