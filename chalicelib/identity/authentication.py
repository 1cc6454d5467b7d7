"""Authentication: who a bearer token speaks for, in one GetItem."""

from dataclasses import dataclass

import msgspec

from chalicelib.core import directory
from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import Unauthenticated
from chalicelib.identity.token import KIND, USE_NOTED_EVERY, Grant, looks_like_a_token


@dataclass(frozen=True)
class Principal:
    """Who asks, and what the token allows."""

    company_id: str
    user_id: str
    token_id: str
    abilities: tuple[str, ...]

    def context(self) -> dict[str, str]:
        """Flat strings, all that API Gateway hands on from an authorizer."""
        return {
            "company_id": self.company_id,
            "user_id": self.user_id,
            "token_id": self.token_id,
            "abilities": " ".join(self.abilities),
        }


def authenticate(token: str, clock: Clock) -> Principal:
    """Whom the token speaks for; raises Unauthenticated for one unknown, expired or revoked.

    At most once an hour it also notes that the token was used.
    """
    refused = Unauthenticated("bad_token", "This token is unknown, expired or revoked; POST /auth/login gives another.")
    if not looks_like_a_token(token):
        raise refused
    digest = directory.digest_of(token)
    found = directory.find(KIND, digest)
    at = epoch(clock())
    if found is None or (found.expires_at or 0) <= at:
        raise refused
    grant = msgspec.convert(found.data, Grant)
    _note_use(digest, found.last_used_at, at)
    return Principal(found.company_id, grant.user_id, found.record, grant.abilities)


def _note_use(digest: str, last_used_at: int | None, at: int) -> None:
    before = at - int(USE_NOTED_EVERY.total_seconds())
    if last_used_at is None or last_used_at < before:
        directory.touch(KIND, digest, at, if_before=before)
