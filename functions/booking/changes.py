"""What can be done with an appointment that exists: move it, cancel it, mark it, give it to another, say who comes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core import audit
from chalicelib.core.function import Function
from chalicelib.core.money import Minor
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Aware, Text, Version
from chalicelib.core.people import clean_email
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, show
from functions.booking.bodies import ChangeBody, CustomerBody, changing

if TYPE_CHECKING:
    from chalicelib.booking.rules.reschedule_rules import Move

function = Function(__name__)
WRITES = Needs(writes=("booking", "occupancy", "directory"), reads=("crm",), secrets=("calcom_api_key",))
USUAL = ("appointment_not_found 404", "stale_version 409", "change_pending 409", "awaits_calcom 409")
TIMES = ("slot_taken 409", "not_bookable 409", "not_reschedulable 409", "calendar_busy 503")
MARKS = ("appointment_not_found 404", "stale_version 409", "not_started 409", "not_markable 409")


class Reschedule(ChangeBody, kw_only=True):
    """`staff` by id or name; without it, whoever has the appointment keeps it. `version`: the one you saw.

    `override` names rules that are not to matter; it takes the ability `appointments:override`, and is audited.
    """

    starts_at: Aware
    staff: Text | None = None
    override: Overrides = msgspec.field(default_factory=list)


class Reassign(ChangeBody, kw_only=True):
    """`staff` by id or name. `version`: the one you saw."""

    staff: Text


class Cancel(ChangeBody):
    """`waive_fee`: it costs nothing, however late; it takes the ability `appointments:override`, and is audited."""

    waive_fee: bool = False


class Confirm(ChangeBody):
    """`deposit_minor`: what was paid of the deposit, in all, in minor units of the branch's currency.

    `without_deposit` confirms though less was paid; it takes the ability `appointments:override`, and is audited.
    """

    deposit_minor: Minor | None = None
    without_deposit: bool = False


class NoShow(ChangeBody):
    """`missed` false takes it back."""

    missed: bool = True


class Attendees(CustomerBody):
    """What changes. `guests`: everyone who comes along, by e-mail address."""

    guests: Annotated[list[Text], msgspec.Meta(max_length=10)] | None = None
    version: Version | None = None


class HistoryEntry(Answer):
    """Who did what, when. `actor` is a kind and an id (`user:usr_…`); `changes` has times and ids, no personal data."""

    at: datetime
    actor: str
    action: str
    fields: tuple[str, ...]
    changes: dict[str, Any]


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/reschedule",
    also=("/api/events/{appointment_id}/reschedule",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, *TIMES),
    example={"starts_at": "2026-12-01T09:30:00+01:00", "reason": "The customer is held up", "version": 2},
)
def reschedule_appointment(request: Request, appointment_id: str, body: Reschedule) -> AppointmentAnswer:
    """Move an appointment. `pending_change` in the answer: both times are held until the provider has said which it is.

    A time that is taken answers 409 `slot_taken`, one that rules do not allow 409 `not_bookable` with all `failures`,
    also of the terms of rescheduling; both with up to three `alternatives`, each bookable as given.
    """
    from chalicelib.booking.changes.reschedule import reschedule

    return show(reschedule(changing(request, show), appointment_id, move_in(request, body)))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/cancel",
    also=("/api/events/{appointment_id}/cancel",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_cancellable 409"),
    example={"reason": "The customer is ill", "version": 2},
)
def cancel_appointment(request: Request, appointment_id: str, body: Cancel) -> AppointmentAnswer:
    """Cancel an appointment; one that is over already is answered as it is. `fee_minor`: what that costs."""
    from chalicelib.booking.changes.cancel import Cancellation, cancel

    if body.waive_fee:
        request.require("appointments:override")
    cancellation = Cancellation(**change_in(request, body), waive_fee=body.waive_fee)
    return show(cancel(changing(request, show), appointment_id, cancellation))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/no-show",
    also=("/api/events/{appointment_id}/no-show",),
    ability="appointments:write",
    needs=Needs(writes=("booking",)),
    errors=MARKS,
    example={"missed": True},
)
def mark_no_show(request: Request, appointment_id: str, body: NoShow) -> AppointmentAnswer:
    """Note that the customer did not come, or (`missed` false) that they did."""
    from chalicelib.booking.changes.status import Mark, mark

    marked = Mark(**change_in(request, body))
    return show(mark(changing(request, show), appointment_id, "no_show" if body.missed else "confirmed", marked))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/complete",
    also=("/api/events/{appointment_id}/complete",),
    ability="appointments:write",
    needs=Needs(writes=("booking",)),
    errors=MARKS,
    example={},
)
def complete_appointment(request: Request, appointment_id: str, body: ChangeBody) -> AppointmentAnswer:
    """Note that the appointment took place."""
    from chalicelib.booking.changes.status import Mark, mark

    return show(mark(changing(request, show), appointment_id, "completed", Mark(**change_in(request, body))))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/confirm",
    also=("/api/events/{appointment_id}/confirm",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409", "deposit_required 409"),
    example={"deposit_minor": 5000},
)
def confirm_appointment(request: Request, appointment_id: str, body: Confirm) -> AppointmentAnswer:
    """Confirm what was only requested, once its deposit is paid; one that is confirmed is answered as it is."""
    from chalicelib.booking.changes.status import Mark, confirm

    if body.without_deposit:
        request.require("appointments:override")
    paid: Any = {"deposit_minor": body.deposit_minor, "without_deposit": body.without_deposit}
    return show(confirm(changing(request, show), appointment_id, Mark(**change_in(request, body), **paid)))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/decline",
    also=("/api/events/{appointment_id}/decline",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409"),
    example={"reason": "We are closed that day"},
)
def decline_appointment(request: Request, appointment_id: str, body: ChangeBody) -> AppointmentAnswer:
    """Decline what was only requested; one that is declined is answered as it is."""
    from chalicelib.booking.changes.status import Mark, decline

    return show(decline(changing(request, show), appointment_id, Mark(**change_in(request, body))))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/reassign",
    also=("/api/events/{appointment_id}/reassign",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, *TIMES),
    example={"staff": "Ben Okafor", "version": 2},
)
def reassign_appointment(request: Request, appointment_id: str, body: Reassign) -> AppointmentAnswer:
    """Give an appointment to another member of staff, at the same time."""
    from chalicelib.booking.changes.reschedule import reschedule
    from chalicelib.booking.rules.reschedule_rules import Move

    move = Move(**change_in(request, body), staff=body.staff)
    return show(reschedule(changing(request, show), appointment_id, move))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/attendees",
    also=("/api/events/{appointment_id}/attendees",),
    ability="appointments:write",
    needs=Needs(writes=("booking",), reads=("crm",)),
    errors=("appointment_not_found 404", "stale_version 409", "appointment_over 409", "calendar_busy 503"),
    example={"email": "eve@example.com", "guests": ["tom@example.com"]},
)
def change_attendees(request: Request, appointment_id: str, body: Attendees) -> AppointmentAnswer:
    """Say who comes. The customer's own record stays as it is."""
    from chalicelib.booking.allocation.country import contact_at
    from chalicelib.booking.changes import attendees
    from chalicelib.crm.contact_points.contact import RawContact, is_national

    given = enumerate(body.guests or ())
    guests = tuple(clean_email(guest, f"body.guests[{number}]") for number, guest in given)
    raw = RawContact(name=body.name, phone=body.phone, email=body.email)
    national = is_national(body.phone)
    branch_id = appointment_store.get_appointment(request.company_id, appointment_id).branch_id if national else None
    attendance = attendees.Attendance(
        contact=contact_at(request.company_id, branch_id, raw, "body"),
        guests=None if body.guests is None else guests,
        version=body.version,
    )
    return show(attendees.change_attendees(changing(request, show), appointment_id, attendance))


@function.route(
    "GET",
    "/api/appointments/{appointment_id}/history",
    also=("/api/events/{appointment_id}/history",),
    ability="appointments:read",
    needs=Needs(reads=("booking", "audit")),
    errors=("appointment_not_found 404",),
)
def show_history(request: Request, appointment_id: str, query: PageQuery) -> Page[HistoryEntry]:
    """What happened to an appointment, oldest first."""
    appointment_store.get_appointment(request.company_id, appointment_id)
    found = audit.entries(request.company_id, appointment_id, limit=query.limit, cursor=query.cursor)
    return found.map(
        lambda entry: HistoryEntry(
            at=entry.at, actor=entry.actor, action=entry.action, fields=entry.fields, changes=entry.ids
        )
    )


def move_in(request: Request, body: Reschedule) -> "Move":
    """Where something is to be moved to; raises Forbidden for an override that who asks may not give."""
    from chalicelib.booking.rules.reschedule_rules import Move

    if body.override:
        request.require("appointments:override")
    return Move(**change_in(request, body), starts_at=body.starts_at, staff=body.staff, override=tuple(body.override))


def change_in(request: Request, body: ChangeBody) -> dict[str, Any]:
    """Who changes something, why, and which version of it, as use cases name it."""
    return {"by": str(request.actor), "reason": body.reason, "version": body.version}
