"""A token: what a request shows to say who asks; its secret is known to its holder alone."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Literal

import msgspec

PREFIX = "pp_"
"""Lets a token be recognised where it should not be: in a log, in a repository."""
KIND = "token"
"""In the directory, under the secret's digest."""
LOGIN_LIFETIME = timedelta(days=30)
"""From the login, not from the last use: a month without a password is what a practice puts up with; theft ends too."""
API_LIFETIME_DAYS = 90
LONGEST_API_LIFETIME_DAYS = 365
USE_NOTED_EVERY = timedelta(hours=1)
_SHAPE = re.compile(r"pp_[A-Za-z0-9_-]{43}")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` is the SHA-256 of the secret: 32 random bytes need no slow hash. `kind`: by login or for a program."""

    id: str
    company_id: str
    user_id: str
    name: str
    kind: Literal["login", "api"]
    abilities: tuple[str, ...]
    digest: str
    created_at: datetime
    expires_at: datetime

    def live(self, at: datetime) -> bool:
        """Whether it opens anything at `at`."""
        return at < self.expires_at


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What the authorizer must know of a token at once; lies in the directory."""

    user_id: str
    abilities: tuple[str, ...]
    name: str


def new_secret(prefix: str = PREFIX) -> str:
    """32 random bytes as text."""
    return prefix + secrets.token_urlsafe(32)


def looks_like_a_token(text: str) -> bool:
    """Whether it is worth a request to the database."""
    return _SHAPE.fullmatch(text) is not None
