"""A customer: whoever is called, written to and booked for."""

from datetime import datetime

import msgspec


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Found by phone (E.164) or e-mail (lower case) within the company; instants in UTC."""

    id: str
    company_id: str
    name: str
    phone: str | None = None
    email: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    legacy_id: str | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a customer before the record is: enough to find or to create one."""

    name: str = ""
    phone: str | None = None
    email: str | None = None
