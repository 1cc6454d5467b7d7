"""Customers who cannot book: a block, and everything by which its customer would be known."""

from datetime import datetime

import msgspec


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody of this id, phone (E.164) or e-mail (lower case) can book. `by`: the actor who added it."""

    id: str
    customer_id: str | None = None
    phone: str | None = None
    email: str | None = None
    reason: str = ""
    by: str = ""
    created_at: datetime

    def known_by(self) -> list[tuple[str, str]]:
        """The kinds and values under which a booking would meet it."""
        return known_by(self.customer_id, self.phone, self.email)


def known_by(customer_id: str | None, phone: str | None, email: str | None) -> list[tuple[str, str]]:
    """The places at which it says whether someone is blocked."""
    named = (("customer", customer_id), ("phone", phone), ("email", email))
    return [(kind, value) for kind, value in named if value]
