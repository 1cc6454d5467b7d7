"""An account: one company at Fatture in Cloud, whose books are kept here too."""

from datetime import datetime
from typing import Literal

import msgspec

Status = Literal["connected", "needs_reconnection", "disconnected"]
Kind = Literal["oauth", "token"]


class ConnectedBy(msgspec.Struct, frozen=True):
    """Which credentials open an account, how they came about, and which user brought them."""

    connection_id: str
    kind: Kind
    user_id: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`fic_company_id` is FIC's number of the company, `connection_id` whose credentials open it (None: nobody's).

    `legacy_id` is the number that an older system gave it, taken by routes, webhooks and the command line as well.
    A disconnected account keeps its records and its id: connecting the same company again brings it back.
    """

    id: str
    company_id: str
    fic_company_id: int
    name: str
    kind: Kind
    status: Status
    connection_id: str | None
    connected_by: str
    connected_at: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    legacy_id: int | None = None
    version: int = 1

    @property
    def usable(self) -> bool:
        """Whether FIC can be asked in its name."""
        return self.status == "connected" and self.connection_id is not None

    def reconnected(self, name: str, by: ConnectedBy, at: datetime, legacy_id: int | None = None) -> "Account":
        """With new credentials, whatever had happened to the old ones."""
        return self._changed(
            at,
            name=name,
            kind=by.kind,
            status="connected",
            connection_id=by.connection_id,
            connected_by=by.user_id,
            connected_at=at,
            deleted_at=None,
            legacy_id=self.legacy_id if legacy_id is None else legacy_id,
        )

    def refused(self, at: datetime) -> "Account":
        """FIC no longer takes its credentials: a person has to connect it again."""
        return self._changed(at, status="needs_reconnection")

    def disconnected(self, at: datetime) -> "Account":
        """Given up by its owner."""
        return self._changed(at, status="disconnected", connection_id=None, deleted_at=at)

    def _changed(self, at: datetime, **fields: object) -> "Account":
        return msgspec.structs.replace(self, **fields, updated_at=at, version=self.version + 1)
