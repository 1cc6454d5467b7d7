"""How far the changes at Cal.com have been followed, in DynamoDB."""

from datetime import datetime

import msgspec

from chalicelib.booking.tables import BookingRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit


class CalComCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed at Cal.com before `since` (its `updatedAt`) is applied; `seen`: what was of late."""

    since: datetime
    seen: tuple[str, ...] = ()
    version: int = 1


def find(company_id: str) -> CalComCursor | None:
    """How far the changes at Cal.com have been followed; one request."""
    row = fetch_one(_key(company_id))
    return row.model(CalComCursor) if row is not None else None


def save(unit: Unit, cursor: CalComCursor) -> None:
    """Write its next version; the unit ends as Stale when someone else moved it since it was read."""
    place = _key(unit.company_id)
    before = BookingRow.version == cursor.version - 1
    condition = before if cursor.version > 1 else BookingRow.pk.does_not_exist()
    unit.put(BookingRow(place.pk, place.sk, version=cursor.version, data=encode(cursor)), condition)


def _key(company_id: str) -> Key:
    return Key(BookingRow, f"{company_id}#calcom", "cursor")
