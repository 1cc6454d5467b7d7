"""Reading the audit log of one record: who did what to it, and when."""

from datetime import datetime
from typing import Any

import msgspec

from chalicelib.core.pages import Listing, Page, page
from chalicelib.core.rows import AuditRow

_LISTING = Listing(AuditRow, None, "pk", "sk")


class Entry(msgspec.Struct, frozen=True):
    """One action. `ids` is what the action noted besides the names of `fields`; never a personal value."""

    at: datetime
    actor: str
    action: str
    fields: tuple[str, ...]
    ids: dict[str, Any]


def entries(company_id: str, record_id: str, *, limit: int, cursor: str | None) -> Page[Entry]:
    """What was done to a record, oldest first; one Query."""
    return page(_LISTING, f"{company_id}#{record_id}", limit=limit, cursor=cursor).map(_entry)


def _entry(row: AuditRow) -> Entry:
    data = msgspec.json.decode(row.data or "{}")
    fields = tuple(data.pop("fields", ()))
    at = datetime.fromisoformat(row.sk.partition("#")[0])
    return Entry(at, row.actor, row.action, fields, data)
