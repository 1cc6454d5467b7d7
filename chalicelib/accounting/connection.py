"""A connection: the credentials that open one or more accounts, and how long they hold."""

from datetime import datetime, timedelta

import msgspec

from chalicelib.accounting.account import Kind

SOON = timedelta(minutes=10)
"""So long before a token ends it is renewed; until it ends, others go on with it."""
RENEWING_SECONDS = 60
"""How long whoever renews may take; then another tries. Far longer than a vendor's answer may take."""
JUST_RENEWED = timedelta(minutes=5)
"""A token that is refused so soon after it was given will not be taken after the next renewal either."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What FIC gave us; lies sealed in the table. A token made by hand does not end and has no other to renew it."""

    access_token: str
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Tokens(***)"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_at` is when the access token ends (None: never); `version` counts the tokens it has had."""

    id: str
    company_id: str
    kind: Kind
    obtained_at: datetime
    expires_at: datetime | None = None
    version: int = 1

    def due(self, at: datetime) -> bool:
        """Whether its token should be renewed."""
        return self.expires_at is not None and self.expires_at <= at + SOON

    def open(self, at: datetime) -> bool:
        """Whether its token still holds."""
        return self.expires_at is None or at < self.expires_at

    def fresh(self, at: datetime) -> bool:
        """Whether its token was given just now."""
        return at < self.obtained_at + JUST_RENEWED

    def renewed(self, at: datetime, lives_seconds: int) -> "Connection":
        """With the next token."""
        return msgspec.structs.replace(
            self, obtained_at=at, expires_at=at + timedelta(seconds=lives_seconds), version=self.version + 1
        )

    def ended(self, at: datetime) -> "Connection":
        """With a token that FIC refused before its time: the next caller renews it."""
        return msgspec.structs.replace(self, expires_at=at, version=self.version + 1)
