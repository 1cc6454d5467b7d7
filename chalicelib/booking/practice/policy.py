"""What a practice may settle about bookings: rules with their parameters, deposits, cancellation, assignment.

Every field that is None says nothing: a service's word goes before its branch's, the branch's before the house's own.
"""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec

from chalicelib.booking.practice.geo import Travel
from chalicelib.core.money import Minor

Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
"""How many appointments at most."""
RuleName = Literal[
    "minimum_notice",
    "maximum_advance",
    "business_hours",
    "staff_availability",
    "service_availability",
    "blocklist",
    "daily_maximum",
    "limits",
    "deposit",
    "consultation",
    "rescheduling",
]
Overrides = Annotated[list[RuleName], msgspec.Meta(max_length=11)]
"""Rules that are not to matter to a booking, each named at most once and so at most all of them."""
MINIMUM_NOTICE_MIN = 120
MAXIMUM_ADVANCE_DAYS = 90
FURTHEST = timedelta(days=730)
"""Nothing is booked further ahead, whatever the policy."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most bookings in a local day, week (from Monday) and month."""

    per_day: Count | None = None
    per_week: Count | None = None
    per_month: Count | None = None


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Free of charge until `notice_min` minutes before the start; later it costs the fee or that share of the price."""

    notice_min: Annotated[int, msgspec.Meta(ge=0, le=525_600)] = 0
    fee_minor: Minor = 0
    fee_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0


class Rescheduling(msgspec.Struct, frozen=True, kw_only=True):
    """How often, how late before the start, and by whom an appointment may be moved."""

    most: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    notice_min: Annotated[int, msgspec.Meta(ge=0, le=525_600)] = 0
    by: tuple[Literal["customer", "staff"], ...] = ("customer", "staff")


class GroupPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is done `deadline_min` minutes before the start of a group with fewer than `least_seats` taken.

    cancel, merge (into another one of that service, branch and day that has the seats; else cancel) or keep.
    """

    deadline_min: Annotated[int, msgspec.Meta(ge=0, le=43_200)] = 1440
    below: Literal["cancel", "merge", "keep"] = "cancel"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a branch or a service. `off`: rules that are switched off here.

    `service_limits`: bookings of a service in the branch; `staff_limits`: of each member of staff;
    `customer_limits`: of each customer. `daily_maximum`: bookings of the branch in a local day. `assignment`: whom
    automatic assignment takes among those free and able. `group`: None: a group below its minimum is kept. `travel`:
    how staff get to mobile services and back. `waiting_offer_min`: how long a time is kept for someone on the waiting
    list. `mails_customers`: what becomes of their appointments, unless a provider does; `asks_for_reviews`: a mail
    after a completed visit.
    """

    off: tuple[RuleName, ...] = ()
    minimum_notice_min: Annotated[int, msgspec.Meta(ge=0, le=525_600)] | None = None
    maximum_advance_days: Annotated[int, msgspec.Meta(ge=1, le=730)] | None = None
    daily_maximum: Count | None = None
    service_limits: Limits | None = None
    staff_limits: Limits | None = None
    customer_limits: Limits | None = None
    deposit_minor: Minor | None = None
    cancellation: Cancellation | None = None
    rescheduling: Rescheduling | None = None
    needs_approval: bool | None = None
    assignment: Literal["least_loaded", "round_robin", "priority"] | None = None
    group: GroupPolicy | None = None
    travel: Travel | None = None
    waiting_offer_min: Annotated[int, msgspec.Meta(ge=5, le=1440)] | None = None
    mails_customers: bool | None = None
    asks_for_reviews: bool | None = None


DEFAULT = Policy(
    minimum_notice_min=MINIMUM_NOTICE_MIN,
    maximum_advance_days=MAXIMUM_ADVANCE_DAYS,
    service_limits=Limits(),
    staff_limits=Limits(),
    customer_limits=Limits(),
    deposit_minor=0,
    cancellation=Cancellation(),
    rescheduling=Rescheduling(),
    needs_approval=False,
    assignment="least_loaded",
    travel=Travel(),
    waiting_offer_min=30,
    mails_customers=True,
    asks_for_reviews=False,
)


def resolved(*policies: Policy) -> Policy:
    """One policy out of several, the most particular first; what nobody settles is the house's own."""
    merged = {}
    for name in Policy.__struct_fields__:
        if name != "off":
            values = (getattr(one, name) for one in (*policies, DEFAULT))
            merged[name] = next((value for value in values if value is not None), None)
    off = tuple(sorted({rule for one in policies for rule in one.off}))
    return Policy(off=off, **merged)
