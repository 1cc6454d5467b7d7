"""A person: who is called, written to and booked for, or may once be. Leads and customers are both persons."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from chalicelib.crm.contact_points.contact import Contact, PointKind, written_phone

Kind = Literal["customer", "lead"]
Gender = Literal["female", "male", "diverse"]
Consent = Literal["granted", "refused"]
MOST_POINTS = 20
ADULT_AT = 18
"""Years: at that birthday guardianship ends."""


class ContactPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A phone number (E.164, digits of the extension) or an e-mail address (lower case, its domain in ASCII).

    `claimed`: only a stranger said so. `consent`: to being written to or called there for more than appointments.
    """

    kind: PointKind
    value: str
    extension: str | None = None
    label: str | None = None
    source: str = "api"
    preferred: bool = False
    claimed: bool = False
    verified_at: datetime | None = None
    consent: Consent | None = None
    consent_at: datetime | None = None
    added_at: datetime

    @property
    def written(self) -> str:
        """As one text, under which holders are kept."""
        return written_phone(self.value, self.extension)


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where they live; `country` as ISO 3166."""

    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What whoever books or receives them has to see: an allergy, pays in advance."""

    text: str
    kind: Literal["medical", "payment", "behaviour", "other"] = "other"


class Pipeline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a lead stands; kept once they are a customer. `since`: of the status; `score` 0 to 100."""

    status: str
    since: datetime
    campaign: str | None = None
    owner_id: str | None = None
    score: int | None = None
    lost_reason: str | None = None
    converted_at: datetime | None = None
    history: tuple[tuple[str, datetime], ...] = ()


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record, however they became known; instants in UTC. `name` "": not known.

    `do_not_call`: wants no calls from us, on whichever number. `deleted_at`: not shown any longer, and may come back.
    """

    id: str
    company_id: str
    kind: Kind = "customer"
    name: str = ""
    prefix: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    suffix: str | None = None
    language: str | None = None
    birth_date: date | None = None
    gender: Gender | None = None
    address: PostalAddress | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    tags: tuple[str, ...] = ()
    alerts: tuple[Alert, ...] = ()
    fields: dict[str, Any] = {}
    external_ids: dict[str, str] = {}
    household_id: str | None = None
    do_not_call: bool = False
    source: str = "api"
    pipeline: Pipeline | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    version: int = 1
    legacy_id: str | None = None

    @property
    def phone(self) -> str | None:
        """The number to call them at, without an extension."""
        found = self.point("phone")
        return found.value if found else None

    @property
    def email(self) -> str | None:
        """The address to write to."""
        found = self.point("email")
        return found.value if found else None

    @property
    def called(self) -> str:
        """What stands for them in a list: their name, else what they can be reached by."""
        return self.name or self.phone or self.email or "Unknown"

    @property
    def first_name(self) -> str:
        """What a caller who is asked which of them it is about would say; "" where no name is known."""
        return self.given_name or self.name.partition(" ")[0]

    def point(self, kind: PointKind) -> ContactPoint | None:
        """The preferred one of a kind, else the first; what a stranger claims only where there is nothing else."""
        mine = [point for point in self.contact_points if point.kind == kind]
        return min(mine, key=lambda point: (point.claimed, not point.preferred), default=None)

    def contact(self) -> Contact:
        """What they are found by."""
        phone = self.point("phone")
        return Contact(
            name=self.name,
            phone=phone.value if phone else None,
            extension=phone.extension if phone else None,
            email=self.email,
            birth_date=self.birth_date,
        )

    def has(self, kind: PointKind, written: str) -> ContactPoint | None:
        """The point of that kind and value, if they have it."""
        return next((one for one in self.contact_points if one.kind == kind and one.written == written), None)

    def is_minor(self, on: date) -> bool | None:
        """Whether they are under eighteen on that day; None where their birth date is not known."""
        if self.birth_date is None:
            return None
        born = self.birth_date
        years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
        return years < ADULT_AT

    def changed(self, at: datetime, **fields: Any) -> "Person":
        """The next version of it."""
        return msgspec.structs.replace(self, **({"updated_at": at, "version": self.version + 1} | fields))

    def marked(self, do_not_call: bool, at: datetime) -> "Person":
        """The next version, with that wish."""
        return self.changed(at, do_not_call=do_not_call)


def points_of(
    contact: Contact, source: str, at: datetime, claimed: Collection[PointKind] = ()
) -> tuple[ContactPoint, ...]:
    """The contact points that a contact names; those of the kinds `claimed` are somebody else's as well."""
    extension = {"phone": contact.extension, "email": None}
    values = {"phone": contact.phone, "email": contact.email}
    return tuple(
        ContactPoint(
            kind=kind,
            value=str(values[kind]),
            extension=extension[kind],
            source=source,
            claimed=kind in claimed,
            added_at=at,
        )
        for kind, _ in contact.points
    )
