"""Cal.com's webhooks: signature, typed payload, what makes a delivery the same one again.

From calcom/cal.com `docs/developing/guides/automation/webhooks.mdx` @bad32a8 (payload version 2021-10-20). Imports no
HTTP client: the webhook Lambda starts cold with this module.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from chalicelib.core.clock import stamp
from chalicelib.core.errors import Fault, Invalid, Unauthenticated
from chalicelib.vendors import hmac_check
from chalicelib.vendors.payload import read, read_object

ROOT_TRIGGERS = frozenset({"MEETING_STARTED", "MEETING_ENDED"})
"""These put the booking's fields next to `triggerEvent` instead of under `payload`."""

BOOKING_TRIGGERS = ROOT_TRIGGERS | {
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_PAYMENT_INITIATED",
    "BOOKING_PAID",
    "BOOKING_NO_SHOW_UPDATED",
}
"""What is about one booking and worth nothing without its uid; any other trigger is taken as it comes."""

_SIGNATURE = re.compile(r"[0-9a-f]{64}")

Uid = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Trigger = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Organizer or attendee. `no_show` only in BOOKING_NO_SHOW_UPDATED."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    username: str | None = None
    time_zone: str | None = None
    phone_number: str | None = None
    language: Any = None
    no_show: bool | None = None


class BookingPayload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The booking inside a webhook, times in UTC, `status` in capitals (ACCEPTED, PENDING, CANCELLED, REJECTED).

    After a reschedule `uid` and `booking_id` are new and `reschedule_uid`, `reschedule_id` are the old ones.
    """

    uid: Uid | None = None
    booking_id: int | None = None
    event_type_id: int | None = None
    type: str | None = None
    title: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    status: str | None = None
    organizer: Person | None = None
    attendees: list[Person] = []
    location: Any = None
    metadata: dict[str, Any] = {}
    responses: dict[str, Any] = {}
    ical_uid: str | None = msgspec.field(name="iCalUID", default=None)
    ical_sequence: int | None = msgspec.field(name="iCalSequence", default=None)
    reschedule_uid: Uid | None = None
    reschedule_id: int | None = None
    reschedule_start_time: datetime | None = None
    reschedule_end_time: datetime | None = None
    cancellation_reason: str | None = None
    rejection_reason: str | None = None


class CalComEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook. `body_digest` is ours: SHA-256 of the raw body in hex."""

    trigger: str
    created_at: datetime | None
    payload: BookingPayload
    body_digest: str


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    trigger_event: Trigger
    created_at: datetime | None = None


def sign(raw: bytes, secret: str) -> str:
    """The `X-Cal-Signature-256` header that Cal.com would send."""
    return hmac_check.digest(secret, raw)


def verify_signature(raw: bytes, header: str | None, secrets: Sequence[str]) -> None:
    """Checks `X-Cal-Signature-256` over the raw body; raises Unauthenticated with code `bad_signature`.

    `secrets` are all that are valid now, so that one can be rotated. A webhook made without a secret says
    `no-secret-provided`: refused like any other text that is no signature. There is no timestamp, so an old body can be
    replayed; the inbox's delivery id is what makes that harmless.
    """
    if header is None or _SIGNATURE.fullmatch(header) is None:
        raise Unauthenticated("bad_signature", "The X-Cal-Signature-256 header is missing or malformed.")
    if not hmac_check.matches(header, raw, secrets):
        raise Unauthenticated("bad_signature", "The X-Cal-Signature-256 header does not match the body.")


def parse_webhook(raw: bytes) -> CalComEvent:
    """The webhook in `raw`; raises Invalid (`not_json`, or `invalid_request` with faults such as `body.payload.uid`).

    A custom payload template makes Cal.com send a form instead of JSON: that is `not_json`, and the cure is to remove
    the template. A trigger we do not know is never refused over its payload, which may have any shape.
    """
    body = read_object(raw)
    envelope = read(body, _Envelope, "body")
    return CalComEvent(
        trigger=envelope.trigger_event,
        created_at=envelope.created_at,
        payload=_payload(envelope.trigger_event, body),
        body_digest=sha256(raw).hexdigest(),
    )


def delivery_id(event: CalComEvent) -> str:
    """The same for every delivery of one fact: trigger, uid and createdAt, since Cal.com sends no event id.

    Without a uid or a time (PING, forms) only the same bytes are the same delivery.
    """
    if event.payload.uid is None or event.created_at is None:
        return f"{event.trigger}:{event.body_digest}"
    return f"{event.trigger}:{event.payload.uid}:{stamp(event.created_at)}"


def _payload(trigger: str, body: dict[str, Any]) -> BookingPayload:
    if trigger not in BOOKING_TRIGGERS:
        return _unknown_payload(body.get("payload"))
    at_root = trigger in ROOT_TRIGGERS and body.get("payload") is None
    path = "body" if at_root else "body.payload"
    found = body if at_root else body.get("payload")
    payload = read(_with_usual_names(found, at_root), BookingPayload, path)
    if payload.uid is None:
        fault = Fault(f"{path}.uid", "missing", "This field is required.")
        raise Invalid("invalid_request", f"A {trigger} webhook needs the booking's uid.", faults=(fault,))
    return payload


def _unknown_payload(found: Any) -> BookingPayload:
    try:
        return read(found, BookingPayload, "body.payload")
    except Invalid:
        return BookingPayload()


def _with_usual_names(found: Any, at_root: bool) -> Any:
    """MEETING_* call bookingId `id` and organizer `user`; BOOKING_NO_SHOW_UPDATED calls uid `bookingUid`."""
    if not isinstance(found, dict):
        return found
    if at_root:
        return {**found, "bookingId": found.get("id"), "organizer": found.get("user")}
    return {**found, "uid": found.get("uid") or found.get("bookingUid")}
