"""Messages for staff in DynamoDB."""

from chalicelib.calls.message import CallMessage, Status
from chalicelib.calls.tables import CallRow
from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit

BY_DESK = Listing(CallRow, "by_desk", "desk", "created_at")


def find_message(company_id: str, message_id: str) -> CallMessage | None:
    """One request."""
    row = fetch_one(_key(company_id, message_id))
    return row.model(CallMessage) if row is not None else None


def get_message(company_id: str, message_id: str) -> CallMessage:
    """One request; raises NotFound, also for another company's."""
    found = find_message(company_id, message_id)
    if found is None:
        raise NotFound("message_not_found", f"There is no message {message_id}.")
    return found


def add_message(unit: Unit, message: CallMessage) -> None:
    """Add it."""
    unit.add(_row(message))


def save_message(unit: Unit, message: CallMessage) -> None:
    """Write its next version; the unit ends as Stale when someone else was faster."""
    unit.put(_row(message), CallRow.version == message.version - 1)


def page_messages(company_id: str, status: Status, limit: int, cursor: str | None) -> Page[CallMessage]:
    """Those open, or those done; the newest first."""
    found = page(BY_DESK, f"{company_id}#{status}", limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(CallMessage))


def _key(company_id: str, message_id: str) -> Key:
    return Key(CallRow, f"{company_id}#{message_id}", "message")


def _row(message: CallMessage) -> CallRow:
    key = _key(message.company_id, message.id)
    return CallRow(
        key.pk,
        key.sk,
        desk=f"{message.company_id}#{message.status}",
        created_at=f"{stamp(message.created_at)}#{message.id}",
        version=message.version,
        data=encode(message),
    )
