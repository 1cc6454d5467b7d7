"""The kinds of failure a use case may raise; only this module knows which HTTP status each one means."""

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with one field: where (`body.starts_at`), a stable code, and a sentence for people."""

    path: str
    code: str
    message: str


class DomainError(Exception):
    """A failure the caller can understand; `code` is stable, `detail` is a sentence that says what to do next.

    `extra` becomes additional members of the RFC 9457 problem (alternatives to a taken slot, seconds to wait).
    """

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, code: str, detail: str, *, faults: tuple[Fault, ...] = (), **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.faults = faults
        self.extra = extra


class Unauthenticated(DomainError):
    """Who is asking is not known: no token, a wrong signature."""

    status = 401
    title = "Not authenticated"


class PaymentRequired(DomainError):
    """The subscription does not cover what is asked."""

    status = 402
    title = "Payment required"


class Forbidden(DomainError):
    """Known, but not allowed."""

    status = 403
    title = "Not allowed"


class NotFound(DomainError):
    """Nothing of that id in this company."""

    status = 404
    title = "Not found"


class Conflict(DomainError):
    """The state of things does not admit it: a taken slot, an outdated version."""

    status = 409
    title = "Conflict"


class TooLarge(DomainError):
    """More than the limit that the message names."""

    status = 413
    title = "Too large"


class UnsupportedMedia(DomainError):
    """A content type that the route does not read."""

    status = 415
    title = "Unsupported media type"


class Invalid(DomainError):
    """The request itself is wrong; `faults` names every field."""

    status = 422
    title = "Invalid request"


class RateLimited(DomainError):
    """Too many, too fast; `retry_after` in whole seconds."""

    status = 429
    title = "Too many requests"

    def __init__(self, code: str, detail: str, *, retry_after: int, **extra: Any) -> None:
        super().__init__(code, detail, retry_after=retry_after, **extra)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Something we depend on does not answer now; trying again later may work."""

    status = 503
    title = "Temporarily unavailable"


class VendorRefused(DomainError):
    """A vendor answered and said no for good (credentials, permission, an unknown id, a request it finds invalid)."""

    status = 502
    title = "A connected service refused"


class OutcomeUnknown(Unavailable):
    """A vendor did not say whether it acted (timeout, 5xx, broken connection): ask it before acting again."""


class Stale(Conflict):
    """Another writer was faster: read again and decide again."""

    def __init__(self, detail: str = "Someone else changed this at the same moment; read it again and retry.") -> None:
        super().__init__("stale", detail)


def raise_faults(faults: Iterable[Fault]) -> None:
    """Raise Invalid with all of them, if there are any."""
    found = tuple(faults)
    if found:
        raise Invalid("invalid_request", f"{found[0].path}: {found[0].message}", faults=found)


def invalid(path: str, code: str, message: str) -> Invalid:
    """An `Invalid` about one field."""
    return Invalid("invalid_request", message, faults=(Fault(path, code, message),))
