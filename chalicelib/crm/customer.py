"""A customer: whoever is called, written to and booked for."""

from datetime import datetime

import msgspec


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Found by phone (E.164) or e-mail (lower case) within the company; instants in UTC.

    `do_not_call`: wants no calls from us, on whichever number.
    """

    id: str
    company_id: str
    name: str
    phone: str | None = None
    email: str | None = None
    do_not_call: bool = False
    created_at: datetime
    updated_at: datetime
    version: int = 1
    legacy_id: str | None = None

    def marked(self, do_not_call: bool, at: datetime) -> "Customer":
        """The next version, with that wish."""
        return msgspec.structs.replace(self, do_not_call=do_not_call, updated_at=at, version=self.version + 1)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a customer before the record is: enough to find or to create one."""

    name: str = ""
    phone: str | None = None
    email: str | None = None
