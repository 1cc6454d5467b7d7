"""What a vendor's answer, or the lack of one, means to us: the one mapping from HTTP to core's errors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown, RateLimited, Unavailable, VendorRefused
from chalicelib.vendors.payload import read_json

DEFAULT_RETRY_SECONDS = 30
LONGEST_RETRY_SECONDS = 3600
_LONGEST_MESSAGE = 500
_UNIX_SECONDS_FROM = 1_000_000_000
_UNIX_MILLIS_FROM = 1_000_000_000_000


@dataclass(frozen=True)
class Vendor:
    """`code` begins every error code (`calcom_not_found`), `title` is what people call it."""

    code: str
    title: str


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers with lowercase names, the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def unreachable(vendor: Vendor) -> DomainError:
    """No connection was made, so the request was surely not delivered."""
    return Unavailable(f"{vendor.code}_unreachable", f"{vendor.title} cannot be reached; try again later.")


def unanswered(vendor: Vendor, writes: bool) -> DomainError:
    """The request may have arrived but no usable answer came: a write may have been carried out."""
    if writes:
        detail = f"{vendor.title} did not say whether it did what we asked; ask it before asking again."
        return OutcomeUnknown(f"{vendor.code}_outcome_unknown", detail)
    return Unavailable(f"{vendor.code}_unavailable", f"{vendor.title} gave no usable answer; try again later.")


def refusal(vendor: Vendor, answer: Answer, writes: bool, now: datetime, secret: str) -> DomainError:
    """The error for an answer that is not 2xx. Its `extra` has `vendor_message` where the vendor gave a reason, and
    `vendor_code` where it numbers its errors (Twilio).

    A refusal may quote the key it refuses (`secret`); what we keep and show does not.
    """
    status = answer.status
    # Fatture in Cloud says 403 when its quota of the hour is used up; who may never ask is not told when to come back.
    if status == 429 or (status == 403 and "retry-after" in answer.headers):
        seconds = retry_after(answer.headers, now)
        detail = f"{vendor.title} asks to wait {seconds} s."
        return RateLimited(f"{vendor.code}_rate_limited", detail, retry_after=seconds)
    if status == 408 or not 400 <= status < 500:
        # 408 is a server's or proxy's own timeout; redirects are never followed, so whether one acted is not known.
        return unanswered(vendor, writes)
    body = _without(secret, answer.body)
    reason = {"vendor_message": vendor_message(body), "vendor_code": vendor_code(body)}
    return _refused(vendor, status, {name: value for name, value in reason.items() if value})


def _without(secret: str, body: bytes) -> bytes:
    return body.replace(secret.encode(), b"***") if secret else body


def _refused(vendor: Vendor, status: int, extra: dict[str, Any]) -> DomainError:
    match status:
        case 401:
            detail = f"{vendor.title} does not accept our credentials; connect it again."
            return VendorRefused(f"{vendor.code}_credentials", detail, **extra)
        case 403:
            detail = f"{vendor.title} does not allow this with our credentials."
            return VendorRefused(f"{vendor.code}_forbidden", detail, **extra)
        case 404:
            return VendorRefused(f"{vendor.code}_not_found", f"{vendor.title} does not know this record.", **extra)
        case 409:
            return Conflict(f"{vendor.code}_conflict", f"{vendor.title} says the state does not admit this.", **extra)
        case _:
            detail = f"{vendor.title} finds the request invalid (HTTP {status})."
            return VendorRefused(f"{vendor.code}_invalid", detail, **extra)


def retry_after(headers: Mapping[str, str], now: datetime) -> int:
    """Whole seconds to wait, 1 to 3600: Retry-After, else X-RateLimit-Reset-*, else 30."""
    seconds = _stated_wait(headers.get("retry-after"), now)
    if seconds is None:
        seconds = _longest_reset(headers, now)
    if seconds is None:
        return DEFAULT_RETRY_SECONDS
    return math.ceil(min(max(seconds, 1), LONGEST_RETRY_SECONDS))


def vendor_message(body: bytes) -> str | None:
    """The sentence in `{"error": {"message"}}` (Cal.com), `{"message"}` (Retell) or the bare text, cut at 500."""
    try:
        value = read_json(body)
    except DomainError:
        return body.decode("utf-8", "replace").strip()[:_LONGEST_MESSAGE] or None
    return (_sentence(value) or "")[:_LONGEST_MESSAGE] or None


def vendor_code(body: bytes) -> int | None:
    """The number in `{"code": 21610}` (Twilio)."""
    try:
        value = read_json(body)
    except DomainError:
        return None
    code = value.get("code") if isinstance(value, dict) else None
    return code if isinstance(code, int) else None


def _sentence(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list):  # a validation pipe lists one sentence per field
        return "; ".join(one for one in value if isinstance(one, str))
    if isinstance(value, dict):
        return _sentence(value.get("message")) or _sentence(value.get("error"))
    return None


def _longest_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Of several limits those that are used up decide, where `X-RateLimit-Remaining-*` tells."""
    resets = {
        name.removeprefix("x-ratelimit-reset"): text for name, text in headers.items() if "ratelimit-reset" in name
    }
    used_up = [limit for limit in resets if headers.get(f"x-ratelimit-remaining{limit}") == "0"]
    waits = [_stated_wait(resets[limit], now) for limit in used_up or resets]
    return max((wait for wait in waits if wait is not None), default=None)


def _stated_wait(text: str | None, now: datetime) -> float | None:
    """Seconds from now, out of seconds, an HTTP date, or Unix time in seconds or milliseconds (Cal.com has both)."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return _until_date(text, now)
    if not math.isfinite(number):
        return None
    if number >= _UNIX_MILLIS_FROM:
        return number / 1000 - now.timestamp()
    return number - now.timestamp() if number >= _UNIX_SECONDS_FROM else number


def _until_date(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
