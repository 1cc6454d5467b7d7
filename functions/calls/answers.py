"""What clients get to see of calls."""

from datetime import datetime
from typing import Any

import msgspec

from chalicelib.calls.call import Call, CallSettings, Transfer
from chalicelib.calls.chain import Links
from chalicelib.calls.transcript import Transcript, Turn
from chalicelib.core.payloads import Answer
from functions.booking.answers import AppointmentAnswer
from functions.booking.answers import show as show_appointment


class CallAnswer(Answer):
    """A call, without what it led to. `duration_ms` in milliseconds, `cost` in US cents.

    `latency`: p50, p90, p95, p99, min and max in milliseconds per part (e2e, llm, tts, …). `erased_at`: when transcript
    and recording were removed. `notes_version` counts changes of notes and tags: give it back with the next one.
    `transfer`: the last time the caller asked for a person, and the number they were put through to, if any.
    """

    id: str
    retell_call_id: str
    legacy_id: str | None
    branch_id: str | None
    customer_id: str | None
    appointment_id: str | None
    from_number: str | None
    to_number: str | None
    direction: str | None
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    summary: str | None
    sentiment: str | None
    disconnection_reason: str | None
    recording_url: str | None
    cost: float | None
    latency: dict[str, dict[str, float]] | None
    has_transcript: bool
    erased_at: datetime | None
    booking_confirmed: bool
    booking_details: dict[str, Any]
    notes: str
    tags: tuple[str, ...]
    notes_version: int
    transfer: Transfer | None
    created_at: datetime


class CustomerAnswer(Answer):
    """A customer."""

    id: str
    name: str
    phone: str | None
    email: str | None


class FullCallAnswer(CallAnswer):
    """A call with its transcript, the customer who called and the appointment that came of it.

    `transcript` is plain text; `turns` has what was said and the functions that the agent called, in order.
    `transcript_cut`: it was too long to be kept whole.
    """

    transcript: str | None
    turns: tuple[Turn, ...]
    transcript_cut: bool
    customer: CustomerAnswer | None
    appointment: AppointmentAnswer | None


class CallSettingsAnswer(Answer):
    """A company's settings for calls; `version` counts their changes."""

    keep_recordings_days: int | None
    version: int


def show(call: Call) -> CallAnswer:
    """The call as clients see it."""
    return CallAnswer(**_fields(call))


def show_full(links: Links, transcript: Transcript | None) -> FullCallAnswer:
    """The call with everything around it."""
    customer = links.customer
    return FullCallAnswer(
        **_fields(links.call),
        transcript=transcript.text if transcript else None,
        turns=transcript.turns if transcript else (),
        transcript_cut=bool(transcript and transcript.cut),
        customer=CustomerAnswer(id=customer.id, name=customer.name, phone=customer.phone, email=customer.email)
        if customer
        else None,
        appointment=show_appointment(links.appointment) if links.appointment else None,
    )


def show_settings(settings: CallSettings) -> CallSettingsAnswer:
    """The settings as clients see them."""
    return CallSettingsAnswer(keep_recordings_days=settings.keep_recordings_days, version=settings.version)


def _fields(call: Call) -> dict[str, Any]:
    known = {**msgspec.structs.asdict(call.facts), **msgspec.structs.asdict(call.link)}
    known |= {"notes": call.notes.text, "tags": call.notes.tags, "notes_version": call.notes.version}
    known |= {name: getattr(call, name) for name in ("id", "legacy_id", "erased_at", "created_at", "transfer")}
    return {name: known[name] for name in CallAnswer.__struct_fields__}
