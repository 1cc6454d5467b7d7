"""A phone call with the voice agent, and what it has to do with an appointment."""

from datetime import datetime
from typing import Any

import msgspec

FINAL = frozenset({"ended", "error", "not_connected"})
_RANK = {"registered": 0, "ongoing": 1, "not_connected": 2, "error": 2, "ended": 2}


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What Retell tells of a call. Instants in UTC, `duration_ms` in milliseconds, `cost` in US cents.

    `latency`: per part (e2e, llm, tts, …) p50, p90, p95, p99, min and max in milliseconds.
    """

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
    latency: dict[str, dict[str, float]] | None = None
    has_transcript: bool = False

    def merged(self, later: "CallFacts") -> "CallFacts":
        """Both together, whichever came first: what one does not know the other says, and a status never goes back."""
        known = {name: value for name, value in msgspec.structs.asdict(later).items() if value is not None}
        if _RANK.get(later.status, 1) < _RANK.get(self.status, 1):
            known["status"] = self.status
        known["has_transcript"] = self.has_transcript or later.has_transcript
        return msgspec.structs.replace(self, **known)

    def without_recording(self) -> "CallFacts":
        """What may be kept of it for good."""
        return msgspec.structs.replace(self, recording_url=None, has_transcript=False)

    @property
    def has_recording(self) -> bool:
        """Whether something is kept that retention removes."""
        return self.has_transcript or self.recording_url is not None

    @property
    def our_number(self) -> str | None:
        """The company's number: the one called or, in an outbound call, the one calling."""
        return self.from_number if self.direction == "outbound" else self.to_number

    @property
    def their_number(self) -> str | None:
        """The other party's; None where it is hidden."""
        number = self.to_number if self.direction == "outbound" else self.from_number
        return number if number and number.startswith("+") else None


class CallLink(msgspec.Struct, frozen=True, kw_only=True):
    """What we know of it: who called, what was wanted, and the appointment that came of it."""

    branch_id: str | None = None
    customer_id: str | None = None
    appointment_id: str | None = None
    booking_confirmed: bool = False
    booking_details: dict[str, Any] = {}

    @property
    def concerns_booking(self) -> bool:
        """Whether the chain to an appointment is worth looking at."""
        return self.booking_confirmed or bool(self.booking_details)

    @property
    def awaits_backfill(self) -> bool:
        """Whether an appointment was made that nobody here knows of."""
        return self.booking_confirmed and bool(self.booking_details) and self.appointment_id is None


class CallNotes(msgspec.Struct, frozen=True, kw_only=True):
    """What people of the company write about it; `version` counts their changes."""

    text: str = ""
    tags: tuple[str, ...] = ()
    version: int = 0


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """When a caller last wanted a person: the number they were put through to, or why they were not (`closed`, …)."""

    asked_at: datetime
    outcome: str
    to_number: str | None = None
    staff_id: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `company_id` is None for a call to a number that belongs to nobody.

    `version` counts changes of the facts, `link_version` of the link. `erased_at`: when transcript and recording were
    removed; they do not come back. `legacy_id`: its number in the system of before.
    """

    id: str
    company_id: str | None
    facts: CallFacts
    link: CallLink
    created_at: datetime
    transfer: Transfer | None = None
    notes: CallNotes = CallNotes()
    version: int = 1
    link_version: int = 0
    erased_at: datetime | None = None
    legacy_id: str | None = None


class CallSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A company's own. `keep_recordings_days`: after so many days transcript and recording go; None: never."""

    keep_recordings_days: int | None = None
    version: int = 0
