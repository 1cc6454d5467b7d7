"""Lists of calls, by index: never a Scan, and never more than a page in memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.calls.call import Call
from chalicelib.calls.store import call_of
from chalicelib.calls.tables import CallRow
from chalicelib.core.clock import stamp
from chalicelib.core.pages import Listing, Page, Selection, page

BY_COMPANY = Listing(CallRow, "by_company", "company_id", "created_at")
BY_CUSTOMER = Listing(CallRow, "by_customer", "customer", "created_at")
MOST_READ = 1_000
"""Rows that one page of a filtered list may read: what it costs does not grow with the history."""
AT_ONCE = 100


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`customer_id`, `started_from` (inclusive) and `started_until` are keys; the rest is left out after reading."""

    customer_id: str | None = None
    started_from: datetime | None = None
    started_until: datetime | None = None
    status: str | None = None
    direction: str | None = None
    sentiment: str | None = None
    branch_id: str | None = None
    tag: str | None = None
    has_appointment: bool | None = None

    def condition(self) -> Condition | None:
        """What is filtered."""
        equal = (
            (CallRow.status, self.status),
            (CallRow.direction, self.direction),
            (CallRow.sentiment, self.sentiment),
            (CallRow.branch, self.branch_id),
        )
        found: list[Condition] = [attribute == value for attribute, value in equal if value is not None]
        if self.tag is not None:
            found.append(CallRow.tags.contains(self.tag))
        if self.has_appointment is not None:
            linked = CallRow.appointment
            found.append(linked.exists() if self.has_appointment else linked.does_not_exist())
        whole: Condition | None = None
        for each in found:
            whole = each if whole is None else whole & each
        return whole


def page_calls(company_id: str, filters: CallFilter, *, limit: int, cursor: str | None) -> Page[Call]:
    """The newest first. A filtered page reads at most so many rows: it may be short and still have a cursor."""
    where, value = BY_COMPANY, company_id
    if filters.customer_id is not None:
        where, value = BY_CUSTOMER, f"{company_id}#{filters.customer_id}"
    only = filters.condition()
    selection = Selection(
        between=_between(filters.started_from, filters.started_until),
        only=only,
        newest_first=True,
        most_read=MOST_READ if only is not None else None,
    )
    found = page(where, value, limit=limit, cursor=cursor, selection=selection)
    return found.map(call_of)  # type: ignore[arg-type]


def calls_that_booked(company_id: str, after: str = "") -> Iterator[Call]:
    """Every call with booking_confirmed or booking_details, oldest first; `after`: a `store.position`."""
    later = CallRow.created_at > after if after else None
    for row in CallRow.query(company_id, later, index_name="by_chain", page_size=AT_ONCE):
        call = call_of(row)
        assert call
        yield call


def newest_calls(company_id: str, since: datetime, most: int) -> list[Call]:
    """Up to `most` calls that began at `since` or later, the newest first; one request."""
    later = CallRow.created_at >= stamp(since)
    found = CallRow.query(company_id, later, index_name="by_company", scan_index_forward=False, limit=most)
    return [call for call in map(call_of, found) if call is not None]


def calls_after(company_id: str, position: str) -> Iterator[Call]:
    """Every call after a `store.position`, or from a stamp on, oldest first, a hundred in memory."""
    later = CallRow.created_at > position
    for row in CallRow.query(company_id, later, index_name="by_company", page_size=AT_ONCE):
        call = call_of(row)
        assert call
        yield call


def backlog(company_id: str) -> Iterator[list[str]]:
    """Ids of the calls that were booked and have no appointment here, oldest first, a hundred at a time."""
    yield from _ids(CallRow.query(company_id, index_name="by_backlog", page_size=AT_ONCE))


def count_backlog(company_id: str) -> int:
    """How many there are."""
    return int(CallRow.count(company_id, index_name="by_backlog"))


def kept_until(company_id: str, before: datetime) -> Iterator[list[str]]:
    """Ids of the calls before that time of which transcript or recording is kept, a hundred at a time."""
    older = CallRow.created_at < stamp(before)
    yield from _ids(CallRow.query(company_id, older, index_name="by_kept", page_size=AT_ONCE))


def _ids(rows: Any) -> Iterator[list[str]]:
    batch: list[str] = []
    for row in rows:
        batch.append(row.pk.partition("#")[2])
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _between(first: datetime | None, until: datetime | None) -> Condition | None:
    at = CallRow.created_at
    if first and until:
        return at.between(stamp(first), stamp(until))
    if first or until:
        return at >= stamp(first) if first else at < stamp(until)  # type: ignore[arg-type]
    return None
