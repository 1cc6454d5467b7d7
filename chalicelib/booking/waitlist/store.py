"""The waiting list in DynamoDB."""

import msgspec
from pynamodb.expressions.condition import Condition

from chalicelib.booking.jobs import CheckWaiting
from chalicelib.booking.tables import BookingRow
from chalicelib.booking.waitlist.entry import OPEN, WaitlistEntry
from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import Listing, Page, Selection, page
from chalicelib.core.records import RecordKind
from chalicelib.core.tables import Key, encode, fetch
from chalicelib.core.unit import Unit

BY_COMPANY = Listing(BookingRow, "by_company", "company_id", "starts_at")
BY_CUSTOMER = Listing(BookingRow, "by_customer", "customer", "starts_at")


class WaitlistFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list may be narrowed by, and which page of it."""

    branch_id: str | None = None
    customer_id: str | None = None
    status: str | None = None
    limit: int
    cursor: str | None = None


WAITING = RecordKind(
    BookingRow,
    WaitlistEntry,
    lambda company_id, waiting_id: (f"{company_id}#{waiting_id}", "waiting"),
    lambda waiting_id: NotFound("waiting_not_found", f"Nobody waits under {waiting_id}."),
)
key, entry_of, find, get = WAITING.key, WAITING.of, WAITING.find, WAITING.get


def add(unit: Unit, entry: WaitlistEntry) -> None:
    """Add it, and schedule what the clock has to do with it."""
    _write(unit, entry, BookingRow.pk.does_not_exist())


def save(unit: Unit, entry: WaitlistEntry) -> None:
    """Write its next version, likewise; the unit ends as Stale when someone else was faster."""
    _write(unit, entry, BookingRow.version == entry.version - 1)


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


def _write(unit: Unit, entry: WaitlistEntry, condition: Condition) -> None:
    unit.put(_row(entry), condition)
    key = f"waiting#{entry.id}"
    if entry.status in OPEN:
        unit.schedule(CheckWaiting(company_id=entry.company_id, waiting_id=entry.id), entry.due_at, key)
    else:
        unit.unschedule(key)


def _row(entry: WaitlistEntry) -> BookingRow:
    company_id, at = entry.company_id, key(entry.company_id, entry.id)
    return BookingRow(
        at.pk,
        at.sk,
        status=entry.status,
        # Keys of their own in the indexes of appointments: no list of those meets them.
        company_id=f"{company_id}#waiting",
        branch=f"{company_id}#waiting" if entry.status in OPEN else None,
        customer=f"{company_id}#{entry.customer_id}#waiting",
        starts_at=f"{entry.branch_id}#{stamp(entry.created_at)}#{entry.id}",
        version=entry.version,
        data=encode(entry),
    )
