"""A user: a person who signs in, with one role in one company."""

from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.identity.abilities import OF_ROLE, Role

Status = Literal["invited", "active", "disabled"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """`email` (lower case) is the login, unique among all companies; instants in UTC.

    `customer_id` (of a client) and `staff_id` (of anyone else) say which person of the practice signs in here.
    """

    id: str
    company_id: str
    name: str
    email: str
    role: Role
    status: Status
    customer_id: str | None = None
    staff_id: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def abilities(self) -> frozenset[str]:
        """What the role allows at most."""
        return OF_ROLE[self.role]

    def invited_again(self, name: str, role: Role, at: datetime) -> "User":
        """The same invitation with another name or role."""
        return self._changed(at, name=name, role=role)

    def joined(self, name: str | None, at: datetime) -> "User":
        """The invitation taken up, under the name the person gives, if any."""
        return self._changed(at, name=name or self.name, status="active")

    def disabled(self, at: datetime) -> "User":
        """No longer let in."""
        return self._changed(at, status="disabled")

    def linked(self, customer_id: str | None, staff_id: str | None, at: datetime) -> "User":
        """The same user, who is this customer or this member of staff."""
        return self._changed(at, customer_id=customer_id, staff_id=staff_id)

    def _changed(self, at: datetime, **fields: object) -> "User":
        return msgspec.structs.replace(self, **fields, updated_at=at, version=self.version + 1)
