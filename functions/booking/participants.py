"""Who takes part in a group: shown, joined and left by staff; visitors join through /public/appointments."""

from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body, Text
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, ParticipantAnswer, show, show_participants
from functions.booking.bodies import CustomerBody, Seats, changing, contact_in

if TYPE_CHECKING:
    from chalicelib.crm.contact_points.contact import Contact

function = Function(__name__)


class NewParticipant(Body):
    """Who joins, and how many seats they take. Give one customer field. `override` as in booking an appointment."""

    customer_id: Text | None = None
    customer: CustomerBody | None = None
    seats: Seats = 1
    override: Overrides = msgspec.field(default_factory=list)


class ParticipantsAnswer(Answer):
    """In the order in which they joined; nobody, in what is no group."""

    data: list[ParticipantAnswer]


@function.route(
    "GET",
    "/api/appointments/{appointment_id}/participants",
    ability="appointments:read",
    needs=Needs(reads=("booking", "crm")),
    errors=("appointment_not_found 404",),
)
def list_participants(request: Request, appointment_id: str) -> ParticipantsAnswer:
    """Who takes part in a group: as told when they joined, else as the customer's record says."""
    from chalicelib.booking.groups.join import named

    group = appointment_store.get_appointment(request.company_id, appointment_id)
    return ParticipantsAnswer(data=show_participants(named(request.company_id, group)))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/participants",
    ability="appointments:write",
    status=201,
    needs=Needs(writes=("booking", "occupancy", "crm")),
    errors=(
        *("appointment_not_found 404", "customer_not_found 404", "calendar_busy 503", "customer_unsure 409"),
        *("slot_taken 409", "not_bookable 409", "already_joined 409", "not_joinable 409"),
    ),
    example={"customer": {"name": "Ada Keller", "phone": "+493055512345"}, "seats": 2},
)
def join_group(request: Request, appointment_id: str, body: NewParticipant) -> AppointmentAnswer:
    """Let a customer join this very group, or answer 409 `slot_taken` with other groups and times."""
    from chalicelib.booking.creation.request import SeatRequest
    from chalicelib.booking.groups.join import join

    if body.override:
        request.require("appointments:override")
    seat = SeatRequest(
        customer_id=body.customer_id,
        contact=_contact(request.company_id, appointment_id, body.customer),
        seats=body.seats,
        override=tuple(body.override),
    )
    return show(join(lambda: request.unit(show), request.company_id, appointment_id, seat, now))


@function.route(
    "DELETE",
    "/api/appointments/{appointment_id}/participants/{participant_id}",
    ability="appointments:write",
    needs=Needs(writes=("booking", "occupancy")),
    errors=("appointment_not_found 404", "participant_not_found 404", "not_leavable 409", "calendar_busy 503"),
)
def leave_group(request: Request, appointment_id: str, participant_id: str) -> AppointmentAnswer:
    """Let a participant leave; a group that the last one has left is cancelled."""
    from chalicelib.booking.groups.leave import Leaver, leave

    return show(leave(changing(request, show), appointment_id, Leaver(participant_id=participant_id)))


def _contact(company_id: str, appointment_id: str, customer: CustomerBody | None) -> "Contact":
    """Who joins; only a national number needs to know of which branch the group is."""
    from chalicelib.crm.contact_points.contact import is_national

    national = customer is not None and is_national(customer.phone)
    group = appointment_store.get_appointment(company_id, appointment_id) if national else None
    return contact_in(customer, company_id, group.branch_id if group else None)
