"""How far the changes at a provider have been followed, in DynamoDB."""

from datetime import datetime

import msgspec

from chalicelib.booking.tables import BookingRow
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit


class ProviderCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changed at the provider before `since` (by its clock) is applied; `seen`: what was of late."""

    provider: str
    since: datetime
    seen: tuple[str, ...] = ()
    version: int = 1


def find(company_id: str, provider: str) -> ProviderCursor | None:
    """How far its changes have been followed; one request."""
    row = fetch_one(_key(company_id, provider))
    return row.model(ProviderCursor) if row is not None else None


def save(unit: Unit, cursor: ProviderCursor) -> None:
    """Write its next version; the unit ends as Stale when someone else moved it since it was read."""
    place = _key(unit.company_id, cursor.provider)
    before = BookingRow.version == cursor.version - 1
    condition = before if cursor.version > 1 else BookingRow.pk.does_not_exist()
    unit.put(BookingRow(place.pk, place.sk, version=cursor.version, data=encode(cursor)), condition)


def _key(company_id: str, provider: str) -> Key:
    return Key(BookingRow, f"{company_id}#{provider}", "cursor")
