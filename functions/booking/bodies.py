"""What the request bodies of bookings have in common, and the vendor's client that bookings are handed."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.practice.models import Gender
from chalicelib.core.payloads import Aware, Body, Text

if TYPE_CHECKING:
    from chalicelib.booking.allocation.assignment import Preference
    from chalicelib.crm.customer import Contact
    from chalicelib.vendors.calcom import CalCom

Length = Annotated[int, msgspec.Meta(ge=1, le=1440)]
"""Minutes."""
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Version = Annotated[int, msgspec.Meta(ge=1)]
Metadata = dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=500)]]


class CustomerBody(Body):
    """Whom to find, by phone or e-mail, or to add."""

    name: Text | None = None
    phone: Text | None = None
    email: Text | None = None

    def contact(self, path: str = "body.customer") -> "Contact":
        """Cleaned; raises Invalid about `path` with every field that is wrong."""
        from chalicelib.booking.changes.list import contact_from

        return contact_from(self.name, self.phone, self.email, path)


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

    def fields(self) -> dict[str, Any]:
        """These fields, as booking requests name them."""
        return {name: getattr(self, name) for name in TimeBody.__struct_fields__}


def preference(body: PreferenceBody | None) -> "Preference":
    """What the body says; none given: no preference."""
    from chalicelib.booking.allocation.assignment import Preference

    return Preference(**asdict(body)) if body else Preference()


def calcom() -> "CalCom":
    """Cal.com's client, with this stage's key. Imported when it is needed: most bookings need no HTTP client."""
    from chalicelib.vendors.calcom import connected

    return connected()
