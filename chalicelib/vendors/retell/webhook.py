"""Retell's webhooks and function calls: signature, typed bodies, what makes a delivery the same one again.

From retell-sdk 6.2.13 (`lib/webhook_auth.py`) and docs.retellai.com `features/webhook-overview`. Imports no HTTP
client: the webhook Lambda starts cold with this module.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from chalicelib.core.errors import Fault, Invalid, Unauthenticated
from chalicelib.vendors.hmac_check import digest, matches
from chalicelib.vendors.payload import read, read_object

TOLERANCE = timedelta(minutes=5)
LIFECYCLE_EVENTS = frozenset({"call_started", "call_ended", "call_analyzed"})
TRANSFER_EVENTS = frozenset({"transfer_started", "transfer_bridged", "transfer_cancelled", "transfer_ended"})

_HEADER = re.compile(r"v=([0-9]{1,15}),d=([0-9a-f]{64})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)

CallId = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class CallAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """What Retell made of the call afterwards; only in `call_analyzed`."""

    call_summary: str | None = None
    in_voicemail: bool | None = None
    user_sentiment: str | None = None
    call_successful: bool | None = None
    custom_analysis_data: Any = None


class CallCost(msgspec.Struct, frozen=True, kw_only=True):
    """`combined_cost` in US cents, `total_duration_seconds` in seconds."""

    combined_cost: float | None = None
    total_duration_seconds: float | None = None


class RetellCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as far as it got: most fields are absent until it ends. Timestamps are Unix milliseconds.

    `disconnection_reason`, `call_status` and the like are open lists, hence plain text.
    """

    call_id: CallId
    call_type: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    agent_version: int | None = None
    call_status: str | None = None
    direction: str | None = None
    from_number: str | None = None
    to_number: str | None = None
    start_timestamp: int | None = None
    end_timestamp: int | None = None
    duration_ms: int | None = None
    transcript: str | None = None
    transcript_object: list[Any] = []
    transcript_with_tool_calls: list[Any] = []
    latency: Any = None
    recording_url: str | None = None
    public_log_url: str | None = None
    disconnection_reason: str | None = None
    transfer_destination: Any = None
    call_analysis: CallAnalysis | None = None
    call_cost: CallCost | None = None
    telephony_identifier: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    retell_llm_dynamic_variables: dict[str, Any] = {}
    collected_dynamic_variables: dict[str, Any] = {}

    @property
    def started_at(self) -> datetime | None:
        """Aware, UTC; raises Invalid when the timestamp is absurd."""
        return _instant(self.start_timestamp, "body.call.start_timestamp")

    @property
    def ended_at(self) -> datetime | None:
        """Aware, UTC; raises Invalid when the timestamp is absurd."""
        return _instant(self.end_timestamp, "body.call.end_timestamp")


class CallEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook about a call. `body_digest` is ours: SHA-256 of the raw body in hex."""

    event: Name
    call: RetellCall
    transfer_destination: Any = None
    transfer_option: Any = None
    body_digest: str = ""


class _Named(msgspec.Struct, frozen=True, kw_only=True):
    event: Name


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True):
    """A custom function that the agent calls during a call; `args` is as the model filled it in, nulls included."""

    name: Name
    call: RetellCall
    args: dict[str, Any] = {}


class InboundCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is coming in, before there is a call id; a withheld number may be missing or any text."""

    agent_id: str | None = None
    from_number: str | None = None
    to_number: str | None = None


class _Inbound(msgspec.Struct, frozen=True, kw_only=True):
    call_inbound: InboundCall


def sign(raw: bytes, key: str, now: datetime) -> str:
    """The `x-retell-signature` header that Retell would send at `now` (aware)."""
    millis = str(_millis(now))
    return f"v={millis},d={digest(key, raw + millis.encode())}"


def verify_signature(raw: bytes, header: str | None, keys: Sequence[str], now: datetime) -> None:
    """Checks `x-retell-signature` over the raw body; raises Unauthenticated with code `bad_signature`.

    `keys` are all API keys valid now, so that one can be rotated. The signed time may be five minutes off either way,
    both ends included, as in Retell's own SDK.
    """
    parts = _HEADER.fullmatch(header or "")
    if parts is None:
        raise Unauthenticated("bad_signature", "The x-retell-signature header is missing or malformed.")
    millis, signature = parts.groups()
    if not matches(signature, raw + millis.encode(), keys):
        raise Unauthenticated("bad_signature", "The x-retell-signature header does not match the body.")
    if abs(_millis(now) - int(millis)) > TOLERANCE // timedelta(milliseconds=1):
        raise Unauthenticated("bad_signature", "The x-retell-signature header is older or newer than five minutes.")


def parse_call_event(raw: bytes) -> CallEvent:
    """The webhook in `raw`; raises Invalid (`not_json`, or `invalid_request` with faults like `body.call.call_id`)."""
    body = read_object(raw)
    event = read({**body, "body_digest": sha256(raw).hexdigest()}, CallEvent, "body")
    _check_times(event.call)
    return event


def parse_function_call(raw: bytes) -> FunctionCall:
    """The function call in `raw`; raises Invalid like `parse_call_event`."""
    call = read(read_object(raw), FunctionCall, "body")
    _check_times(call.call)
    return call


def parse_inbound_call(raw: bytes) -> InboundCall:
    """The inbound-call webhook in `raw`; raises Invalid like `parse_call_event`."""
    return read(read_object(raw), _Inbound, "body").call_inbound


def event_name(raw: bytes) -> str:
    """What the webhook in `raw` is about, known to us or not (chats come to the same URL); raises Invalid."""
    name: str = read(read_object(raw), _Named, "body").event
    return name


def delivery_id(event: CallEvent) -> str:
    """The same for every delivery of one fact, so that an inbox takes it once.

    Lifecycle: event and call. Transfer: and the call's start (docs.retellai.com). `transcript_updated` comes again and
    again with more text, and of an unknown event we know nothing: there only the same bytes are the same delivery.
    """
    call = event.call
    if event.event in LIFECYCLE_EVENTS:
        return f"{event.event}:{call.call_id}"
    if event.event in TRANSFER_EVENTS and call.start_timestamp is not None:
        return f"{event.event}:{call.call_id}:{call.start_timestamp}"
    if event.event == "transcript_updated":
        return f"{event.event}:{call.call_id}:{event.body_digest}"
    return f"{event.event}:{event.body_digest}"


def _check_times(call: RetellCall) -> None:
    """Both timestamps now, so that a later reader of the properties meets no surprise."""
    faults: list[Fault] = []
    for millis, name in ((call.start_timestamp, "start_timestamp"), (call.end_timestamp, "end_timestamp")):
        try:
            _instant(millis, f"body.call.{name}")
        except Invalid as error:
            faults.extend(error.faults)
    if faults:
        raise Invalid("invalid_request", faults[0].message, faults=tuple(faults))


def _instant(millis: int | None, path: str) -> datetime | None:
    if millis is None:
        return None
    if not _millis(_EARLIEST) <= millis < _millis(_LATEST):
        message = "Expected Unix milliseconds between the years 2000 and 2100."
        raise Invalid("invalid_request", message, faults=(Fault(path, "out_of_range", message),))
    return _EPOCH + timedelta(milliseconds=millis)


def _millis(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)
