"""Whose a hold is, and whether it still holds."""

import hmac
import secrets
from datetime import datetime

from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.core.directory import digest_of
from chalicelib.core.errors import Conflict, NotFound


def new_secret() -> tuple[str, str]:
    """A secret and the digest that is kept of it."""
    secret = secrets.token_urlsafe(24)
    return secret, digest_of(secret)


def proven(hold: Hold | None, proof: HoldProof, now: datetime) -> Hold:
    """The hold, when the secret is its own and it still holds. A wrong secret is answered like no hold at all."""
    if hold is None or not hmac.compare_digest(hold.digest, proof.digest or digest_of(proof.secret)):
        raise NotFound("hold_not_found", "There is no such hold: it was used, released, or never made.")
    if hold.expires_at <= now:
        raise Conflict("hold_expired", "The hold has lapsed; book without it while the time is free.")
    return hold
