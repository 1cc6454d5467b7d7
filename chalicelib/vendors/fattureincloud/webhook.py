"""Fatture in Cloud's webhooks: the signature in their JWT, CloudEvents in both modes, the challenge of a new sink.

From developers.fattureincloud.it (webhooks: subscriptions, notifications). Imports no HTTP client, and
cryptography only where a signature is checked: the webhook Lambda starts cold with this module.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal

import msgspec

from chalicelib.core.errors import Fault, Invalid, Unauthenticated, Unavailable
from chalicelib.vendors.payload import read, read_object

ISSUER = "https://api-v2.fattureincloud.it"
PREFIX = "it.fattureincloud.webhooks."
WELCOME = f"{PREFIX}subscriptions.welcome"
CHALLENGE = "x-fic-verification-challenge"
Action = Literal["create", "update", "delete"]
Subject = Literal["clients", "suppliers", "invoices", "quotes"]
SUBJECTS: dict[Subject, str] = {
    "clients": "entities.clients",
    "suppliers": "entities.suppliers",
    "invoices": "issued_documents.invoices",
    "quotes": "issued_documents.quotes",
}
ACTIONS: tuple[Action, ...] = ("create", "update", "delete")
ACTED_UPON: dict[str, tuple[Subject, Action]] = {
    f"{PREFIX}{name}.{action}": (subject, action) for subject, name in SUBJECTS.items() for action in ACTIONS
}
"""The twelve event types that say what became of a record of ours; all others are kept and change nothing."""
LEEWAY_SECONDS = 60

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class FicEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A notification: `occurred_at` in UTC, `subject` such as `company:108061`, `ids` of the records it is about."""

    id: Name
    type: Name
    subject: Name
    occurred_at: datetime = msgspec.field(name="time")
    ids: tuple[int, ...] = ()

    @property
    def about(self) -> tuple[Subject, Action] | None:
        """What happened to what, None where that is nothing of ours."""
        return ACTED_UPON.get(self.type)

    @property
    def fic_company_id(self) -> int | None:
        """FIC's number of the company that it is about."""
        kind, _, number = self.subject.partition(":")
        return int(number) if kind == "company" and number.isascii() and number.isdecimal() else None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What the JWT vouches for; a handshake's need not name an event."""

    jti: str = ""
    sub: str = ""
    exp: float
    aud: Any = None


class _Ids(msgspec.Struct, frozen=True):
    ids: list[int]


def parse_event(headers: Mapping[str, str], raw: bytes) -> FicEvent:
    """The CloudEvent in a delivery (`headers` with lowercase names), binary or structured; raises Invalid.

    Of an event that is none of the twelve, `ids` is empty when they are not a list of numbers.
    """
    body = read_object(raw)
    if "ce-type" in headers:
        envelope = {name: headers.get(f"ce-{name}") for name in ("id", "type", "subject", "time")}
        where = "headers.ce"
    else:
        envelope, where = {name: body.get(name) for name in ("id", "type", "subject", "time")}, "body"
    event = read(envelope, FicEvent, where)
    try:
        ids = read(body.get("data"), _Ids, "body.data").ids
    except Invalid:
        if event.about:
            raise
        ids = []
    return msgspec.structs.replace(event, ids=tuple(dict.fromkeys(ids)))


def challenge_in(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """What a handshake wants to see again, from header or query; raises Invalid."""
    found = headers.get(CHALLENGE) or query.get(CHALLENGE) or ""
    if not (found.isascii() and found.isalnum() and len(found) <= 256):
        message = f"Send {CHALLENGE} as a header or in the query."
        raise Invalid("no_challenge", message, faults=(Fault(f"query.{CHALLENGE}", "required", message),))
    return found


def verify_token(authorization: str | None, sinks: Sequence[str], public_key: str, now: datetime) -> Claims:
    """What FIC signed: an ES256 JWT of its own for one of our `sinks` that has not expired.

    `public_key` is a PEM, plain or in base64 as FIC publishes it. Raises Unauthenticated `bad_signature`.
    """
    import jwt

    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unsigned("The Authorization header carries no token.")
    # Expiry is checked by our own clock, below.
    options: Any = {"require": ["exp", "iss", "aud"], "verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        said = jwt.decode(
            token.strip(), _key(public_key), algorithms=["ES256"], audience=list(sinks), issuer=ISSUER, options=options
        )
        claims = msgspec.convert(said, Claims)
    except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
        raise _unsigned(f"The token is not Fatture in Cloud's for this address ({type(error).__name__}).") from None
    if claims.exp + LEEWAY_SECONDS < now.timestamp():
        raise _unsigned("The token has expired.")
    return claims


def verify_event(claims: Claims, event: FicEvent) -> None:
    """The JWT does not cover the body: it has to name this very event. Raises Unauthenticated `bad_signature`."""
    if claims.jti != event.id or claims.sub != event.subject:
        raise _unsigned("The token was made for another event.")


@cache
def _key(text: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        pem = text.encode() if "BEGIN" in text else base64.b64decode(text, validate=True)
        return load_pem_public_key(pem)
    except ValueError:  # also what base64 raises
        raise Unavailable("not_configured", "FIC_WEBHOOK_PUBLIC_KEY is not a public key.") from None


def _unsigned(message: str) -> Unauthenticated:
    return Unauthenticated("bad_signature", message)
