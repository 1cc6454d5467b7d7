"""Booking by visitors, without a token: holds, and the appointments that come of them."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeVar

from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict
from chalicelib.core.function import Function
from chalicelib.core.needs import SWITCHES, Needs
from chalicelib.core.payloads import Answer, Body, Text
from chalicelib.core.requests import Request
from chalicelib.core.unit import CompanyUnitFactory
from functions.booking.addresses import AddressBody, address_in
from functions.booking.answers import InPackageAnswer, show_package_of
from functions.booking.bodies import CustomerBody, Seats, TimeBody, changing
from functions.booking.online import CLOSED, require_open

if TYPE_CHECKING:
    from chalicelib.booking.appointments.appointment import Appointment
    from chalicelib.booking.appointments.hold import Hold

function = Function(__name__)
T = TypeVar("T")
HOLDS_A_MINUTE, BOOKINGS_A_MINUTE = 20, 10
"""Of one address: a family behind one router gets through, a script does not get far."""
NEEDS = Needs(reads=("crm",), writes=("booking", "occupancy", "directory"))
REFUSALS = ("slot_taken 409", "not_bookable 409", "branch_not_found 404", "calendar_busy 503", "too_many_requests 429")


class NewHold(TimeBody):
    """A time to keep. `service` and `staff` by id or name; no `staff`: whoever is free; `address`: of mobile ones."""

    address: AddressBody | None = None


class HoldProofBody(Body):
    """What came with the hold."""

    secret: Text


class HoldAnswer(Answer):
    """A time that is kept until `expires_at`. `secret` comes once, with the hold."""

    id: str
    branch_id: str
    service_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime
    secret: str | None = None


class HoldGiven(Body):
    """The hold that is to become the appointment."""

    id: Text
    secret: Text


class VisitorAppointment(TimeBody, kw_only=True):
    """What to book. With a `hold`, `branch_id`, `service` and `starts_at` are those of the hold.

    `customer`: who comes: a phone number or an e-mail address at least. `seats`: of a service with several; a group
    that stands at that time is joined while seats last. `address`: of a mobile service, unless the hold has it.
    """

    customer: CustomerBody
    hold: HoldGiven | None = None
    seats: Seats = 1
    address: AddressBody | None = None
    source: Literal["web", "mobile"] = "web"


class VisitorAnswer(Answer):
    """What was booked. `status` requested: the practice has yet to confirm; held: the provider has.

    `seats_left`: of a group, after this; null for what is none. `package`: of a package it is the first part, and this
    has all of them. `deposit_due_minor`: the deposit without which it is not confirmed, in minor units of `currency`.
    """

    id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    starts_at: datetime
    ends_at: datetime
    status: str
    deposit_due_minor: int
    currency: str | None
    seats_left: int | None
    package: InPackageAnswer | None


@function.route(
    "POST",
    "/public/holds",
    ability=PUBLIC,
    status=201,
    needs=Needs(reads=("crm", SWITCHES), writes=NEEDS.writes),
    # The answer holds a secret that must not be kept.
    idempotent=False,
    errors=(*REFUSALS, CLOSED, "too_many_holds 429"),
    example={"branch_id": "bra_00D1ZMFH9MM3HK4Z12GC", "service": "Haircut", "starts_at": "2026-12-01T09:30:00+01:00"},
)
def hold_time(request: Request, body: NewHold) -> HoldAnswer:
    """Keep a time for ten minutes. At most two at once for one address."""
    from chalicelib.booking.creation.hold import hold
    from chalicelib.booking.creation.request import BookingRequest
    from chalicelib.core import throttle

    require_open(request)
    throttle.count("holds", request.address, request.clock(), most=HOLDS_A_MINUTE)
    booking_request = BookingRequest(**body.slot(), visitor=True, address=address_in(body.address))
    made, secret = plainly(lambda: hold(_units(request), request.address, booking_request, now))
    return _show_hold(made, secret)


@function.route(
    "POST",
    "/public/holds/{hold_id}/extend",
    ability=PUBLIC,
    needs=NEEDS,
    idempotent=False,
    errors=("hold_not_found 404", "hold_expired 409", "extended_before 409", "calendar_busy 503"),
    example={"secret": "b1MvT0uWq2oX8mZr4QkP7nJdYh3sLfAe"},
)
def extend_hold(request: Request, hold_id: str, body: HoldProofBody) -> HoldAnswer:
    """Keep it for ten minutes more; once."""
    from chalicelib.booking.appointments.hold import HoldProof
    from chalicelib.booking.creation.hold import extend

    return _show_hold(extend(_units(request), HoldProof(hold_id, body.secret), now))


@function.route(
    "DELETE",
    "/public/holds/{hold_id}",
    ability=PUBLIC,
    status=204,
    needs=NEEDS,
    errors=("hold_not_found 404", "hold_expired 409", "calendar_busy 503"),
)
def release_hold(request: Request, hold_id: str, body: HoldProofBody) -> None:
    """Give the time back."""
    from chalicelib.booking.appointments.hold import HoldProof
    from chalicelib.booking.creation.hold import release

    release(_units(request), HoldProof(hold_id, body.secret), now)


@function.route(
    "POST",
    "/public/appointments",
    ability=PUBLIC,
    status=201,
    needs=Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",)),
    errors=(*REFUSALS, CLOSED, "hold_not_found 404", "hold_expired 409"),
    example={
        "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
        "service": "Haircut",
        "starts_at": "2026-12-01T09:30:00+01:00",
        "customer": {"name": "Ada Keller", "phone": "+493055512345"},
    },
)
def book_as_visitor(request: Request, body: VisitorAppointment) -> VisitorAnswer:
    """Book without a token. Whether a time can be had is answered, and which others; why not is not."""
    from chalicelib.booking.appointments.hold import HoldProof
    from chalicelib.booking.changes.book_online import book_online
    from chalicelib.booking.creation.hold import company_of
    from chalicelib.booking.creation.request import BookingRequest
    from chalicelib.core import throttle

    company_id = company_of(body.branch_id)
    require_open(request, company_id)
    throttle.count("bookings", request.address, request.clock(), most=BOOKINGS_A_MINUTE)
    company_id = company_of(body.branch_id)
    booking_request = BookingRequest(
        **body.slot(),
        contact=body.customer.contact(company_id, body.branch_id),
        source=body.source,
        visitor=True,
        hold=HoldProof(body.hold.id, body.hold.secret) if body.hold else None,
        seats=body.seats,
        address=address_in(body.address),
    )
    context = changing(request, _show, company_id)
    return _show(plainly(lambda: book_online(context, booking_request)))


def _units(request: Request) -> CompanyUnitFactory:
    return lambda company_id: request.unit(_show, company_id)


def plainly(work: Callable[[], T]) -> T:
    """Do it; a visitor learns that a time is not to be had. That they are blocked, or came before, is no answer."""
    try:
        return work()
    except Conflict as refusal:
        if refusal.code not in ("not_bookable", "already_joined"):
            raise
        detail = "This cannot be booked; see the alternatives, or call us."
        # Nor who takes part in a group.
        raise Conflict("not_bookable", detail, alternatives=refusal.extra.get("alternatives", [])) from None


def _show(appointment: "Appointment") -> VisitorAnswer:
    special = ("seats_left", "package")
    shown = {name: getattr(appointment, name) for name in VisitorAnswer.__struct_fields__ if name not in special}
    seats_left = appointment.group.left if appointment.group else None
    return VisitorAnswer(**shown, seats_left=seats_left, package=show_package_of(appointment))


def _show_hold(hold: "Hold", secret: str | None = None) -> HoldAnswer:
    shown = {name: getattr(hold, name) for name in HoldAnswer.__struct_fields__ if name != "secret"}
    return HoldAnswer(**shown, secret=secret)
