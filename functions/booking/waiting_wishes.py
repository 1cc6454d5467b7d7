"""What a place on the waiting list is asked for with, by staff and by visitors."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.practice.hours import Span
from chalicelib.booking.practice.models import Gender
from chalicelib.booking.waitlist.entry import Range
from chalicelib.core.payloads import Body

if TYPE_CHECKING:
    from chalicelib.booking.waitlist.join import WaitlistRequest

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "services": ["Haircut"],
    "weekdays": [0, 1],
    "times": [{"start": 540, "end": 720}],
    "customer": {"name": "Ada Keller", "phone": "+493055512345"},
}


class WaitingCustomer(Body):
    """Whom to find, by phone or e-mail, or to add."""

    name: Text | None = None
    phone: Text | None = None
    email: Text | None = None


class WaitingPreference(Body):
    """Who it is to be, where nobody is named: all of this."""

    gender: Gender | None = None
    language: Text | None = None
    skill: Text | None = None


class WaitingBody(Body):
    """What is wished for. `services` and `staff` by id or name, those that one would rather have first.

    `days`: ranges of dates, 62 days each at most; `weekdays`: 0 is Monday; `times`: minutes of the branch's local day
    between which the appointment begins and ends. None given: any. `length_min` for services of a flexible length.
    """

    branch_id: Text
    services: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=10)]
    days: Annotated[list[Range], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    weekdays: Annotated[list[Weekday], msgspec.Meta(max_length=7)] = msgspec.field(default_factory=list)
    times: Annotated[list[Span], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    staff: Annotated[list[Text], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    prefer: WaitingPreference | None = None
    length_min: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=180)] | None = None
    customer: WaitingCustomer = msgspec.field(default_factory=lambda: WaitingCustomer())


def wish_from(body: WaitingBody, **more: Any) -> "WaitlistRequest":
    """What the body asks for; raises Invalid for a contact that is none."""
    from chalicelib.booking.allocation.assignment import Preference
    from chalicelib.booking.changes.list import contact_from
    from chalicelib.booking.waitlist.join import WaitlistRequest

    customer = body.customer
    return WaitlistRequest(
        branch_id=body.branch_id,
        services=tuple(body.services),
        days=tuple(body.days),
        weekdays=tuple(body.weekdays),
        times=tuple(body.times),
        staff=tuple(body.staff),
        prefer=Preference(**asdict(body.prefer)) if body.prefer else Preference(),
        length_min=body.length_min,
        expires_in_days=body.expires_in_days,
        contact=contact_from(customer.name, customer.phone, customer.email, "body.customer"),
        **more,
    )
