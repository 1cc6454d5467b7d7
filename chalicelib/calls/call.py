"""A phone call with the voice agent, and what it has to do with an appointment."""

from datetime import datetime
from typing import Any

import msgspec

FINAL = frozenset({"ended", "error", "not_connected"})
_RANK = {"registered": 0, "ongoing": 1, "not_connected": 2, "error": 2, "ended": 2}


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What Retell tells of a call. Instants in UTC, `duration_ms` in milliseconds, `cost` in cents."""

    retell_call_id: str
    from_number: str | None = None
    to_number: str | None = None
    direction: str | None = None
    agent_id: str | None = None
    status: str = "registered"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    summary: str | None = None
    sentiment: str | None = None
    disconnection_reason: str | None = None
    recording_url: str | None = None
    cost: float | None = None
    has_transcript: bool = False

    def merged(self, later: "CallFacts") -> "CallFacts":
        """Both together, whichever came first: what one does not know the other says, and a status never goes back."""
        known = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        if _RANK.get(later.status, 1) < _RANK.get(self.status, 1):
            known["status"] = self.status
        known["has_transcript"] = self.has_transcript or later.has_transcript
        return msgspec.structs.replace(self, **known)


class CallLink(msgspec.Struct, frozen=True, kw_only=True):
    """What we know of it: who called, what was wanted, and the appointment that came of it."""

    branch_id: str | None = None
    customer_id: str | None = None
    appointment_id: str | None = None
    booking_confirmed: bool = False
    booking_details: dict[str, Any] = {}


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The last time the caller wanted a person: the number he was put through to, or why he was not (`closed`, …)."""

    asked_at: datetime
    outcome: str
    to_number: str | None = None
    staff_id: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `company_id` is None for a call to a number that belongs to nobody."""

    id: str
    company_id: str | None
    facts: CallFacts
    link: CallLink
    created_at: datetime
    transfer: Transfer | None = None
    version: int = 1
    legacy_id: str | None = None
