"""Appointments, also under their old name, events."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Source, Status
from chalicelib.booking.changes.list import contact_from, list_by
from chalicelib.booking.practice.models import Gender
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, show, show_listed
from functions.booking.places import AddressGiven, place_of

function = Function(__name__)
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class CustomerDetails(Body):
    """Whom to find, by phone or e-mail, or to add."""

    name: Text | None = None
    phone: Text | None = None
    email: Text | None = None


class Preferred(Body):
    """Whom one would rather have; nobody is left out for it."""

    gender: Gender | None = None
    language: Text | None = None
    skill: Text | None = None


class NewAppointment(Body):
    """What to book. `service` and `staff` by id or name; no `staff`: whoever is free. Give one customer field.

    `seats`: of a service with several; a group that stands at that time is joined while seats last, else one is opened.

    `prefer` guides whom it goes to where `staff` is left out; `length_min` is for services of a flexible length,
    `address` for mobile ones.
    `override` names rules that are not to matter; it takes the ability `appointments:override`, and is audited.
    `deposit_minor`: what was paid of a deposit, in minor units of the branch's currency; a figure, no payment.
    """

    branch_id: Text
    service: Text
    starts_at: Aware
    staff: Text | None = None
    length_min: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    address: AddressGiven | None = None
    prefer: Preferred | None = None
    override: Overrides = msgspec.field(default_factory=list)
    customer_id: Text | None = None
    customer: CustomerDetails | None = None
    seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    source: Literal["api", "web", "mobile"] = "api"
    deposit_minor: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = 0
    metadata: dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=500)]] = (
        msgspec.field(default_factory=dict)
    )


class AppointmentQuery(PageQuery):
    """At most one of branch, staff and customer; `starts_from` inclusive, `starts_until` exclusive."""

    branch_id: Text | None = None
    staff_id: Text | None = None
    customer_id: Text | None = None
    status: Status | None = None
    source: Source | None = None
    starts_from: Aware | None = None
    starts_until: Aware | None = None


REFUSALS = ("slot_taken 409", "not_bookable 409", "branch_not_found 404", "calendar_busy 503")
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "service": "Consultation",
    "starts_at": "2026-12-01T09:30:00+01:00",
    "customer": {"name": "Ada Keller", "phone": "+493055512345"},
}


@function.route(
    "POST",
    "/api/appointments",
    also=("/api/events",),
    ability="appointments:write",
    status=201,
    needs=Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",)),
    errors=(*REFUSALS, "customer_not_found 404", "already_joined 409"),
    example=EXAMPLE,
)
def book_appointment(request: Request, body: NewAppointment) -> AppointmentAnswer:
    """Book an appointment.

    A time that is taken answers 409 `slot_taken`, one that rules do not allow 409 `not_bookable` with all `failures`;
    both with up to four `alternatives`, each bookable as given, one of them in another branch where there is one.
    """
    from chalicelib.booking.allocation.assignment import Preference
    from chalicelib.booking.appointments.change_context import ChangeContext
    from chalicelib.booking.changes.book_online import book_online
    from chalicelib.booking.creation.request import BookingRequest

    if body.override:
        request.require("appointments:override")
    customer = body.customer or CustomerDetails()
    wish = BookingRequest(
        branch_id=body.branch_id,
        service=body.service,
        starts_at=body.starts_at,
        staff=body.staff,
        customer_id=body.customer_id,
        contact=contact_from(customer.name, customer.phone, customer.email, "body.customer"),
        source=body.source,
        metadata=body.metadata,
        length_min=body.length_min,
        prefer=Preference(**asdict(body.prefer)) if body.prefer else Preference(),
        override=tuple(body.override),
        seats=body.seats,
        address=place_of(body.address),
        deposit_minor=body.deposit_minor,
    )

    context: ChangeContext[Appointment] = ChangeContext(lambda: request.unit(show), request.company_id, now)
    return show(book_online(context, wish))


@function.route(
    "GET", "/api/appointments", also=("/api/events",), ability="appointments:read", needs=Needs(reads=("booking",))
)
def list_appointments(request: Request, query: AppointmentQuery) -> Page[AppointmentAnswer]:
    """Appointments in order of time, by branch, staff, customer, status, source and range."""
    return list_by(request.company_id, query).map(show_listed)


@function.route(
    "GET",
    "/api/appointments/{appointment_id}",
    also=("/api/events/{appointment_id}",),
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("appointment_not_found 404",),
)
def show_appointment(request: Request, appointment_id: str) -> AppointmentAnswer:
    """One appointment."""
    return show(appointment_store.get_appointment(request.company_id, appointment_id))
