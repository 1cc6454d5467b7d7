"""An account: a user with the password and the tokens that let them in; they change together."""

from datetime import datetime

import msgspec

from chalicelib.identity.token import Token
from chalicelib.identity.user import User

MOST_TOKENS = 30
"""Per user, so that one transaction of at most 90 writes revokes them all: two for each, and the rest."""
MOST_API_TOKENS = 20


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """`password_hash` is argon2id's own text, None before the first password.

    `generation` counts the passwords set: a mailed link belongs to one, so that the next password voids it.
    `version` changes with every password and every token, so that revoking all tokens cannot miss one made meanwhile.
    """

    password_hash: str | None = None
    generation: int = 0
    version: int = 1

    def with_password(self, password_hash: str) -> "Credential":
        """After a password was set."""
        return Credential(password_hash=password_hash, generation=self.generation + 1, version=self.version + 1)

    def with_token(self, rehashed: str | None = None) -> "Credential":
        """After a token was made; `rehashed` is the same password under newer parameters."""
        return msgspec.structs.replace(self, password_hash=rehashed or self.password_hash, version=self.version + 1)

    def closed(self) -> "Credential":
        """After the user was disabled: no password, and every mailed link is void."""
        return Credential(generation=self.generation + 1, version=self.version + 1)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`tokens` from the oldest to the newest; some may have expired without being gone yet."""

    user: User
    credential: Credential
    tokens: tuple[Token, ...]

    @property
    def may_sign_in(self) -> bool:
        """Whether the right password opens it."""
        return self.user.status == "active" and self.credential.password_hash is not None

    def live_tokens(self, at: datetime) -> tuple[Token, ...]:
        """Those that open something at `at`."""
        return tuple(token for token in self.tokens if token.live(at))

    def full_of_api_tokens(self, at: datetime) -> bool:
        """Whether no further token for a program may be made."""
        return sum(token.kind == "api" for token in self.live_tokens(at)) >= MOST_API_TOKENS

    def tokens_in_the_way(self, at: datetime) -> tuple[Token, ...]:
        """What goes when a token comes: the expired, and the oldest logins where there would be over 30."""
        live = self.live_tokens(at)
        logins = [token for token in live if token.kind == "login"]
        surplus = max(0, len(live) + 1 - MOST_TOKENS)
        return tuple(token for token in self.tokens if not token.live(at)) + tuple(logins[:surplus])
