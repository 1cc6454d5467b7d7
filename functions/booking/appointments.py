"""Appointments, also under their old name, events."""

from typing import Any, Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Status
from chalicelib.booking.changes.list import list_by
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.function import Function
from chalicelib.core.money import Minor
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Text
from chalicelib.core.requests import Request
from functions.booking.addresses import AddressBody, address_in
from functions.booking.answers import AppointmentAnswer, show, show_listed
from functions.booking.bodies import (
    CustomerBody,
    Metadata,
    PreferenceBody,
    Seats,
    TimeBody,
    changing,
    contact_in,
    preference_in,
)

function = Function(__name__)


class NewAppointment(TimeBody, kw_only=True):
    """What to book. `service` and `staff` by id or name; no `staff`: whoever is free. Give one customer field.

    `seats`: of a service with several; a group that stands at that time is joined while seats last, else one is opened.

    `prefer` guides whom it goes to where `staff` is left out; `length_min` is for services of a flexible length,
    `address` for mobile ones.
    `override` names rules that are not to matter; it takes the ability `appointments:override`, and is audited.
    `deposit_minor`: what was paid of a deposit, in minor units of the branch's currency; a figure, no payment.
    """

    address: AddressBody | None = None
    prefer: PreferenceBody | None = None
    override: Overrides = msgspec.field(default_factory=list)
    customer_id: Text | None = None
    customer: CustomerBody | None = None
    seats: Seats = 1
    source: Literal["api", "web", "mobile"] = "api"
    deposit_minor: Minor = 0
    metadata: Metadata = msgspec.field(default_factory=dict)

    def details(self, company_id: str) -> dict[str, Any]:
        """What is said besides what and when, as booking requests name it; raises Invalid for a bad contact."""
        plain = {name: getattr(self, name) for name in ("customer_id", "seats", "source", "deposit_minor", "metadata")}
        return plain | {
            "contact": contact_in(self.customer, company_id, self.branch_id),
            "prefer": preference_in(self.prefer),
            "override": tuple(self.override),
            "address": address_in(self.address),
        }


class AppointmentQuery(PageQuery):
    """At most one of branch, staff and customer; `starts_from` inclusive, `starts_until` exclusive."""

    branch_id: Text | None = None
    staff_id: Text | None = None
    customer_id: Text | None = None
    status: Status | None = None
    source: Text | None = None
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
    errors=(*REFUSALS, "customer_not_found 404", "already_joined 409", "customer_unsure 409"),
    example=EXAMPLE,
)
def book_appointment(request: Request, body: NewAppointment) -> AppointmentAnswer:
    """Book an appointment.

    A time that is taken answers 409 `slot_taken`, one that rules do not allow 409 `not_bookable` with all `failures`;
    both with up to four `alternatives`, each bookable as given, one of them in another branch where there is one.
    """
    from chalicelib.booking.changes.book_online import book_online
    from chalicelib.booking.creation.request import BookingRequest

    if body.override:
        request.require("appointments:override")
    return show(book_online(changing(request, show), BookingRequest(**body.slot(), **body.details(request.company_id))))


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
