"""The waiting list in DynamoDB."""

from datetime import datetime
from typing import Any

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.booking.tables import BookingRow
from chalicelib.booking.waitlist.entry import OPEN, WaitlistEntry
from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.tables import Key, encode, fetch
from chalicelib.core.unit import Unit

DUE = "waiting"
"""The partition of `by_end` of what the clock has something to do with: few enough for one."""
BY_COMPANY = Listing(BookingRow, "by_company", "company_id", "starts_at")
BY_CUSTOMER = Listing(BookingRow, "by_customer", "customer", "starts_at")


class WaitlistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list may be narrowed by, and which page of it."""

    branch_id: str | None = None
    customer_id: str | None = None
    status: str | None = None
    limit: int
    cursor: str | None = None


def key(company_id: str, waiting_id: str) -> Key:
    """The address of an entry, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{waiting_id}", "waiting")


def entry_of(row: Any) -> WaitlistEntry | None:
    """The entry in a fetched row."""
    return row.model(WaitlistEntry) if row is not None else None


def find(company_id: str, waiting_id: str) -> WaitlistEntry | None:
    """One request."""
    return entry_of(fetch([key(company_id, waiting_id)])[0])


def get(company_id: str, waiting_id: str) -> WaitlistEntry:
    """One request; raises NotFound, also for another company's."""
    found = find(company_id, waiting_id)
    if found is None:
        raise NotFound("waiting_not_found", f"Nobody waits under {waiting_id}.")
    return found


def add(unit: Unit, entry: WaitlistEntry) -> None:
    """Add it."""
    unit.add(_row(entry))


def save(unit: Unit, entry: WaitlistEntry) -> None:
    """Write its next version; the unit ends as Stale when someone else was faster."""
    unit.put(_row(entry), BookingRow.version == entry.version - 1)


def anyone(company_id: str) -> bool:
    """Whether anyone of the company waits; one Query of one key."""
    return next(iter(BookingRow.by_branch.query(f"{company_id}#waiting", limit=1)), None) is not None


def open_in(company_id: str, branch_id: str, most: int) -> list[WaitlistEntry]:
    """Those who wait in a branch as they are now, the longest first; a Query and a request for each hundred of them."""
    here = BookingRow.starts_at.startswith(f"{branch_id}#")
    rows = BookingRow.by_branch.query(f"{company_id}#waiting", here, limit=most)
    # The index is a moment behind; the records themselves are not.
    found = fetch([Key(BookingRow, row.pk, row.sk) for row in rows])
    return [entry for entry in map(entry_of, found) if entry and entry.status in OPEN]


def due(at: datetime, most: int) -> list[tuple[str, str]]:
    """Company and id of those that the clock has something to do with at `at`, the most overdue first; one Query."""
    rows = BookingRow.by_end.query(DUE, BookingRow.ends_at < stamp(at), limit=most)
    return [(str(company_id), str(waiting_id)) for company_id, waiting_id in (r.pk.split("#") for r in rows)]


def page_entries(company_id: str, by: WaitlistFilter) -> Page[WaitlistEntry]:
    """Those of a company, or of a customer, by branch and since when they wait; also those who no longer do."""
    listing, whose = (BY_CUSTOMER, f"{company_id}#{by.customer_id}") if by.customer_id else (BY_COMPANY, company_id)
    between: Condition | None = BookingRow.starts_at.startswith(f"{by.branch_id}#") if by.branch_id else None
    only: Condition | None = BookingRow.status == by.status if by.status else None
    selection = Selection(between=between, only=only)
    found = page(listing, f"{whose}#waiting", limit=by.limit, cursor=by.cursor, selection=selection)
    return found.map(lambda row: row.model(WaitlistEntry))


def open_entries_of(company_id: str, customer_id: str) -> list[WaitlistEntry]:
    """How a customer is on the list; one Query, a moment behind."""
    rows = BookingRow.by_customer.query(f"{company_id}#{customer_id}#waiting")
    return [row.model(WaitlistEntry) for row in rows if row.status in OPEN]


def _row(entry: WaitlistEntry) -> BookingRow:
    company_id, at = entry.company_id, key(entry.company_id, entry.id)
    is_open = entry.status in OPEN
    return BookingRow(
        at.pk,
        at.sk,
        status=entry.status,
        # Keys of their own in the indexes of appointments: no list of those meets them.
        company_id=f"{company_id}#waiting",
        branch=f"{company_id}#waiting" if is_open else None,
        customer=f"{company_id}#{entry.customer_id}#waiting",
        starts_at=f"{entry.branch_id}#{stamp(entry.created_at)}#{entry.id}",
        ending=DUE if is_open else None,
        ends_at=f"{stamp(entry.due_at)}#{entry.id}" if is_open else None,
        version=entry.version,
        data=encode(entry),
    )
