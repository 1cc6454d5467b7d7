"""What is said to get onto the waiting list, by staff and by visitors."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from chalicelib.booking.practice.hours import Span
from chalicelib.booking.waitlist.entry import Range
from chalicelib.core.payloads import Body, Text
from functions.booking.bodies import CustomerBody, Length, PreferenceBody, preference_in

if TYPE_CHECKING:
    from chalicelib.booking.waitlist.join import WaitlistRequest

Weekday = Annotated[int, msgspec.Meta(ge=0, le=6)]
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "services": ["Haircut"],
    "weekdays": [0, 1],
    "times": [{"start": 540, "end": 720}],
    "customer": {"name": "Ada Keller", "phone": "+493055512345"},
}


class WaitlistBody(Body):
    """What would do. `services` and `staff` by id or name, in order of preference; `prefer` where nobody is named.

    `days`: ranges of dates, 62 days each at most; `weekdays`: 0 is Monday; `times`: minutes of the branch's local day
    between which the appointment begins and ends. None given: any. `length_min` for services of a flexible length.
    """

    branch_id: Text
    services: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=10)]
    days: Annotated[list[Range], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    weekdays: Annotated[list[Weekday], msgspec.Meta(max_length=7)] = msgspec.field(default_factory=list)
    times: Annotated[list[Span], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    staff: Annotated[list[Text], msgspec.Meta(max_length=10)] = msgspec.field(default_factory=list)
    prefer: PreferenceBody | None = None
    length_min: Length | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=180)] | None = None
    customer: CustomerBody = msgspec.field(default_factory=lambda: CustomerBody())

    def request(self, company_id: str, **more: Any) -> "WaitlistRequest":
        """What it asks for; raises Invalid for a contact that is none."""
        from chalicelib.booking.waitlist.join import WaitlistRequest

        lists: Any = {name: tuple(getattr(self, name)) for name in ("services", "days", "weekdays", "times", "staff")}
        return WaitlistRequest(
            **lists,
            branch_id=self.branch_id,
            prefer=preference_in(self.prefer),
            length_min=self.length_min,
            expires_in_days=self.expires_in_days,
            contact=self.customer.contact(company_id, self.branch_id),
            **more,
        )
