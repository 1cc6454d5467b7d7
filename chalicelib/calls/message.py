"""A message that a caller left for staff."""

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal["open", "done"]


class CallMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`phone` is where to call back, E.164 or None; `text` in the caller's words. Instants in UTC."""

    id: str
    company_id: str
    branch_id: str
    call_id: str
    customer_id: str | None
    name: str | None
    phone: str | None
    text: str
    status: Status = "open"
    done_by: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    def marked(self, status: Status, by: str, at: datetime) -> "CallMessage":
        """The next version of it, done by `by` or open again."""
        done_by = by if status == "done" else None
        return msgspec.structs.replace(self, status=status, done_by=done_by, updated_at=at, version=self.version + 1)
