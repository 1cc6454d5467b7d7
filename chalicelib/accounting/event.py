"""An event of Fatture in Cloud's: what it told us, and what came of it."""

from datetime import datetime
from typing import Literal

import msgspec

Group = Literal["entity", "issued_documents"]
GROUPS: tuple[Group, ...] = ("entity", "issued_documents")
Outcome = Literal["waiting", "kept", "applied", "left_to_sync", "not_ours"]
MOST_IDS = 50


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is FIC's own. `ids`: the first 50 of `count` records. `occurred_at` by FIC's clock, the others by ours.

    `kept`: of a type that changes nothing here. `left_to_sync`: so many records that a run reads them more cheaply.
    `not_ours`: the account is another company's or no longer connected.
    """

    id: str
    company_id: str
    account_id: str
    group: Group
    type: str
    ids: tuple[int, ...]
    count: int
    occurred_at: datetime
    received_at: datetime
    outcome: Outcome = "waiting"
    applied_at: datetime | None = None

    def settled(self, outcome: Outcome, at: datetime) -> "Event":
        """Once it has been acted upon."""
        return msgspec.structs.replace(self, outcome=outcome, applied_at=at)

    def seconds(self) -> float | None:
        """From its arrival until everything of it was stored."""
        return (self.applied_at - self.received_at).total_seconds() if self.applied_at else None
