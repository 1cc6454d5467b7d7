"""The waiting list in DynamoDB."""

from datetime import datetime
from typing import Any

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


def key(company_id: str, waiting_id: str) -> Key:
    """The address of a place on the list, for a fetch together with other records."""
    return Key(BookingRow, f"{company_id}#{waiting_id}", "waiting")


def waiting_of(row: Any) -> WaitlistEntry | None:
    """The place on the list in a fetched row."""
    return row.model(WaitlistEntry) if row is not None else None


def find(company_id: str, waiting_id: str) -> WaitlistEntry | None:
    """One request."""
    return waiting_of(fetch([key(company_id, waiting_id)])[0])


def get(company_id: str, waiting_id: str) -> WaitlistEntry:
    """One request; raises NotFound, also for another company's."""
    found = find(company_id, waiting_id)
    if found is None:
        raise NotFound("waiting_not_found", f"Nobody waits under {waiting_id}.")
    return found


def add(unit: Unit, waiting: WaitlistEntry) -> None:
    """Add it."""
    unit.add(_row(waiting))


def save(unit: Unit, waiting: WaitlistEntry) -> None:
    """Write its next version; the unit ends as Stale when someone else was faster."""
    unit.put(_row(waiting), BookingRow.version == waiting.version - 1)


def anyone(company_id: str) -> bool:
    """Whether anyone of the company waits; one Query of one key."""
    return next(iter(BookingRow.by_branch.query(_open(company_id), limit=1)), None) is not None


def open_in(company_id: str, branch_id: str, most: int) -> list[WaitlistEntry]:
    """Those who wait in a branch as they are now, the longest first; a Query and a request for each hundred of them."""
    mine = BookingRow.starts_at.startswith(f"{branch_id}#")
    rows = BookingRow.by_branch.query(_open(company_id), mine, limit=most)
    # The index is a moment behind; the records themselves are not.
    found = fetch([Key(BookingRow, row.pk, row.sk) for row in rows])
    return [waiting for waiting in map(waiting_of, found) if waiting and waiting.status in OPEN]


def due(at: datetime, most: int) -> list[tuple[str, str]]:
    """Company and id of those that the clock has something to do with at `at`, the most overdue first; one Query."""
    rows = BookingRow.by_end.query(DUE, BookingRow.ends_at < stamp(at), limit=most)
    return [(str(company_id), str(waiting_id)) for company_id, waiting_id in (r.pk.split("#") for r in rows)]


def page_waiting(
    company_id: str,
    *,
    branch_id: str | None,
    customer_id: str | None,
    status: str | None,
    limit: int,
    cursor: str | None,
) -> Page[WaitlistEntry]:
    """Those of a company, or of a customer, by branch and since when they wait; also those who no longer do."""
    where, whose = (BY_CUSTOMER, f"{company_id}#{customer_id}") if customer_id else (BY_COMPANY, company_id)
    between: Condition | None = BookingRow.starts_at.startswith(f"{branch_id}#") if branch_id else None
    only: Condition | None = BookingRow.status == status if status else None
    found = page(where, f"{whose}#waiting", limit=limit, cursor=cursor, selection=Selection(between=between, only=only))
    return found.map(lambda row: row.model(WaitlistEntry))


def open_of_customer(company_id: str, customer_id: str) -> int:
    """How often a customer is on the list; one Query, a moment behind."""
    rows = BookingRow.by_customer.query(f"{company_id}#{customer_id}#waiting")
    return sum(1 for row in rows if row.status in OPEN)


def _open(company_id: str) -> str:
    return f"{company_id}#waiting"


def _row(waiting: WaitlistEntry) -> BookingRow:
    company, place = waiting.company_id, key(waiting.company_id, waiting.id)
    stands = waiting.status in OPEN
    return BookingRow(
        place.pk,
        place.sk,
        status=waiting.status,
        # Keys of their own in the indexes of appointments: no list of those meets them.
        company_id=f"{company}#waiting",
        branch=_open(company) if stands else None,
        customer=f"{company}#{waiting.customer_id}#waiting",
        starts_at=f"{waiting.branch_id}#{stamp(waiting.created_at)}#{waiting.id}",
        ending=DUE if stands else None,
        ends_at=f"{stamp(waiting.due_at)}#{waiting.id}" if stands else None,
        version=waiting.version,
        data=encode(waiting),
    )
