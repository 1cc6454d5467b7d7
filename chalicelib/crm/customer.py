"""A customer: whoever is called, written to and booked for."""

import re
from datetime import datetime

import msgspec

from chalicelib.core.errors import invalid

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST_NAME = 200


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


def clean_email(text: str, path: str) -> str:
    """Lower case, without surrounding space; raises Invalid about `path`."""
    email = text.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise invalid(path, "not_an_email", f"{text!r} is not an e-mail address.")
    return email


def clean_name(text: str, path: str) -> str:
    """Without surrounding or doubled space; raises Invalid about `path` when empty or over 200 characters."""
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise invalid(path, "bad_name", f"A name has 1 to {LONGEST_NAME} characters.")
    return name
