"""What the request bodies of bookings have in common, and in what the changes that they ask for are made."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.practice.models import Gender
from chalicelib.core.clock import now
from chalicelib.core.payloads import Answer, Aware, Body, Text, Version
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.booking.allocation.assignment import Preference
    from chalicelib.booking.appointments.change_context import ChangeContext
    from chalicelib.crm.contact_points.contact import Contact

Length = Annotated[int, msgspec.Meta(ge=1, le=1440)]
"""Minutes."""
Seats = Annotated[int, msgspec.Meta(ge=1, le=500)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Metadata = dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=500)]]


class CustomerBody(Body):
    """Whom to find, by phone or e-mail, or to add. `phone`: also as it is dialled in the branch's country.

    Who shares a number or an address is told apart by name and birth date.
    """

    name: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    birth_date: date | None = None

    def contact(self, company_id: str, branch_id: str | None) -> "Contact":
        """Cleaned, as it is meant at the branch; raises Invalid about `body.customer` with every wrong field."""
        from chalicelib.booking.allocation.country import contact_at
        from chalicelib.crm.contact_points.contact import RawContact

        raw = RawContact(name=self.name, phone=self.phone, email=self.email, birth_date=self.birth_date)
        return contact_at(company_id, branch_id, raw, "body.customer")


class PreferenceBody(Body):
    """Whom one would rather have."""

    gender: Gender | None = None
    language: Text | None = None
    skill: Text | None = None


class TimeBody(Body):
    """What is to take place when. `service` and `staff` by id or name; no `staff`: whoever is free.

    `length_min` is for services of a flexible length.
    """

    branch_id: Text
    service: Text
    starts_at: Aware
    staff: Text | None = None
    length_min: Length | None = None

    def slot(self) -> dict[str, Any]:
        """These fields, as booking requests name them."""
        return {name: getattr(self, name) for name in TimeBody.__struct_fields__}


class ChangeBody(Body):
    """Why, and the `version` you saw; both may be left out."""

    reason: Reason | None = None
    version: Version | None = None


def contact_in(customer: CustomerBody | None, company_id: str, branch_id: str | None) -> "Contact":
    """The contact of a customer who may be left out."""
    return (customer or CustomerBody()).contact(company_id, branch_id)


def preference_in(body: PreferenceBody | None) -> "Preference":
    """What the body says; none given: no preference."""
    from chalicelib.booking.allocation.assignment import Preference

    return Preference(**asdict(body)) if body else Preference()


def changing(request: Request, show: Callable[[Any], Answer], company_id: str | None = None) -> "ChangeContext[Any]":
    """What use cases that book or change are given; `company_id`: of a public route, which has just learnt it."""
    from chalicelib.booking.appointments.change_context import ChangeContext

    whose = company_id or request.company_id
    return ChangeContext(lambda: request.unit(show, whose), whose, now)
