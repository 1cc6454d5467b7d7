"""What is said of who someone is, and reading it as it was sent."""

from collections.abc import Callable
from datetime import date
from typing import Literal, TypeVar

import msgspec

from chalicelib.core.errors import Fault, Invalid
from chalicelib.core.people import clean_email, clean_name
from chalicelib.core.phones import read_phone
from chalicelib.crm.names.placeholders import given

PointKind = Literal["phone", "email"]
T = TypeVar("T")


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Enough to find a person by, or to add one: phone in E.164 with the digits of an extension, e-mail in lower case.

    `name` "": none was given.
    """

    name: str = ""
    phone: str | None = None
    extension: str | None = None
    email: str | None = None
    birth_date: date | None = None

    @property
    def points(self) -> tuple[tuple[PointKind, str], ...]:
        """What leads to persons, the phone first; a number with an extension is another than the one without."""
        found: list[tuple[PointKind, str]] = []
        if self.phone:
            found.append(("phone", written_phone(self.phone, self.extension)))
        if self.email:
            found.append(("email", self.email))
        return tuple(found)

    @property
    def is_reachable(self) -> bool:
        """Whether it says how to reach them."""
        return bool(self.phone or self.email)


class RawContact(msgspec.Struct, frozen=True, kw_only=True):
    """The same as someone sent it. `phone` may be a number of JSON's, as language models write it."""

    name: str | None = None
    phone: str | int | None = None
    email: str | None = None
    birth_date: date | None = None


def written_phone(number: str, extension: str | None) -> str:
    """A number and its extension as one text."""
    return f"{number};ext={extension}" if extension else number


def read_contact(raw: RawContact, country: str | None, path: str) -> Contact:
    """The contact; a national number is one of `country`, and what stands in for nothing counts as not given.

    Raises Invalid with a fault for every field that is wrong.
    """
    contact, faults = _read(raw, country, path)
    if faults:
        raise Invalid("invalid_request", f"{faults[0].path}: {faults[0].message}", faults=tuple(faults))
    return contact


def read_what_can_be(raw: RawContact, country: str | None) -> Contact:
    """The same of what somebody typed elsewhere, or a machine understood: what cannot be read is left out."""
    return _read(raw, country, "contact")[0]


def _read(raw: RawContact, country: str | None, path: str) -> tuple[Contact, list[Fault]]:
    faults: list[Fault] = []
    name, email = given(raw.name), given(raw.email)
    phone = given(str(raw.phone)) if raw.phone is not None else None
    read = _tried(lambda: read_phone(phone or "", country, f"{path}.phone"), phone, faults)
    contact = Contact(
        name=_tried(lambda: clean_name(name or "", f"{path}.name"), name, faults) or "",
        phone=read.number if read else None,
        extension=read.extension if read else None,
        email=_tried(lambda: clean_email(email or "", f"{path}.email"), email, faults),
        birth_date=raw.birth_date,
    )
    return contact, faults


def _tried(read: Callable[[], T], text: str | None, faults: list[Fault]) -> T | None:
    """What is read of a text that was given; None, and its faults among the others, where it is wrong."""
    if text is None:
        return None
    try:
        return read()
    except Invalid as error:
        faults += error.faults
        return None


def is_national(phone: str | int | None) -> bool:
    """Whether a number has to be read as one of some country's."""
    return phone is not None and not str(phone).strip().removeprefix("tel:").startswith("+")
