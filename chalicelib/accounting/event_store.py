"""Events of Fatture in Cloud in DynamoDB."""

from datetime import timedelta

from chalicelib.accounting.event import Event
from chalicelib.accounting.record_tables import SyncRow
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit

KEEP = timedelta(days=90)
EVENTS = Listing(SyncRow, None, "pk", "sk")


def position(event: Event) -> str:
    """Where it stands among the company's events: in order of arrival."""
    return f"{stamp(event.received_at)}#{event.id}"


def add_event(unit: Unit, event: Event) -> None:
    """Add it."""
    unit.add(_row(event))


def find_event(company_id: str, at: str) -> Event | None:
    """The event at that place; one request."""
    row = fetch_one(Key(SyncRow, _pk(company_id), at))
    return row.model(Event) if row else None


def save_event(unit: Unit, event: Event) -> None:
    """Write what came of it."""
    unit.put(_row(event))


def page_events(company_id: str, limit: int, cursor: str | None) -> Page[Event]:
    """The latest first."""
    found = page(EVENTS, _pk(company_id), limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(Event))


def _row(event: Event) -> SyncRow:
    expires = epoch(event.received_at + KEEP)
    return SyncRow(_pk(event.company_id), position(event), status=event.outcome, data=encode(event), expires_at=expires)


def _pk(company_id: str) -> str:
    return f"{company_id}#events"
