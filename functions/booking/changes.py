"""What can be done with an appointment that exists: move it, cancel it, mark it, give it to another, say who comes."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.changes.list import contact_from
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core import audit
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.people import clean_email
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, show

if TYPE_CHECKING:
    from chalicelib.booking.appointments.appointment import Appointment
    from chalicelib.booking.appointments.change_context import ChangeContext

function = Function(__name__)
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Version = Annotated[int, msgspec.Meta(ge=1)]
WRITES = Needs(writes=("booking", "occupancy", "directory"), reads=("crm",), secrets=("calcom_api_key",))
USUAL = ("appointment_not_found 404", "stale_version 409", "change_pending 409", "awaits_calcom 409")
TIMES = ("slot_taken 409", "not_bookable 409", "not_reschedulable 409", "calendar_busy 503")


class Reschedule(Body):
    """`staff` by id or name; without it, whoever has the appointment keeps it. `version`: the one you saw.

    `override` names rules that are not to matter; it takes the ability `appointments:override`, and is audited.
    """

    starts_at: Aware
    staff: Text | None = None
    reason: Reason | None = None
    version: Version | None = None
    override: Overrides = msgspec.field(default_factory=list)


class Reassign(Body):
    """`staff` by id or name. `version`: the one you saw."""

    staff: Text
    reason: Reason | None = None
    version: Version | None = None


class Change(Body):
    """Why, and the `version` you saw; both may be left out."""

    reason: Reason | None = None
    version: Version | None = None


class Cancel(Change):
    """`waive_fee`: it costs nothing, however late; it takes the ability `appointments:override`, and is audited."""

    waive_fee: bool = False


class Confirm(Change):
    """`deposit_minor`: what was paid of the deposit, in all, in minor units of the branch's currency.

    `without_deposit` confirms though less was paid; it takes the ability `appointments:override`, and is audited.
    """

    deposit_minor: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] | None = None
    without_deposit: bool = False


class NoShow(Change):
    """`missed` false takes it back."""

    missed: bool = True


class Attendees(Body):
    """What changes. `guests`: everyone who comes along, by e-mail address."""

    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
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
    """Move an appointment. `pending_change` in the answer: both times are held until Cal.com has said which it is.

    A time that is taken answers 409 `slot_taken`, one that rules do not allow 409 `not_bookable` with all `failures`,
    also of the terms of rescheduling; both with up to three `alternatives`, each bookable as given.
    """
    from chalicelib.booking.changes.reschedule import reschedule
    from chalicelib.booking.rules.reschedule_rules import Move

    if body.override:
        request.require("appointments:override")
    move = Move(
        starts_at=body.starts_at,
        staff=body.staff,
        reason=body.reason,
        by=str(request.actor),
        version=body.version,
        override=tuple(body.override),
    )
    return show(reschedule(_context(request), appointment_id, move))


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
    wanted = Cancellation(reason=body.reason, by=str(request.actor), version=body.version, waive_fee=body.waive_fee)
    return show(cancel(_context(request), appointment_id, wanted))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/no-show",
    also=("/api/events/{appointment_id}/no-show",),
    ability="appointments:write",
    needs=Needs(writes=("booking",)),
    errors=("appointment_not_found 404", "stale_version 409", "not_started 409", "not_markable 409"),
    example={"missed": True},
)
def mark_no_show(request: Request, appointment_id: str, body: NoShow) -> AppointmentAnswer:
    """Note that the customer did not come, or (`missed` false) that he did."""
    from chalicelib.booking.changes.status import mark

    status: Literal["no_show", "confirmed"] = "no_show" if body.missed else "confirmed"
    marked = _mark(request, body)
    return show(mark(_context(request), appointment_id, status, marked))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/complete",
    also=("/api/events/{appointment_id}/complete",),
    ability="appointments:write",
    needs=Needs(writes=("booking",)),
    errors=("appointment_not_found 404", "stale_version 409", "not_started 409", "not_markable 409"),
    example={},
)
def complete_appointment(request: Request, appointment_id: str, body: Change) -> AppointmentAnswer:
    """Note that the appointment took place."""
    from chalicelib.booking.changes.status import mark

    marked = _mark(request, body)
    return show(mark(_context(request), appointment_id, "completed", marked))


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
    marked = Mark(
        by=str(request.actor),
        reason=body.reason,
        version=body.version,
        deposit_minor=body.deposit_minor,
        without_deposit=body.without_deposit,
    )
    return show(confirm(_context(request), appointment_id, marked))


@function.route(
    "POST",
    "/api/appointments/{appointment_id}/decline",
    also=("/api/events/{appointment_id}/decline",),
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409"),
    example={"reason": "We are closed that day"},
)
def decline_appointment(request: Request, appointment_id: str, body: Change) -> AppointmentAnswer:
    """Decline what was only requested; one that is declined is answered as it is."""
    from chalicelib.booking.changes.status import decline

    marked = _mark(request, body)
    return show(decline(_context(request), appointment_id, marked))


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

    move = Move(staff=body.staff, reason=body.reason, by=str(request.actor), version=body.version)
    return show(reschedule(_context(request), appointment_id, move))


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
    from chalicelib.booking.changes import attendees

    guests = None
    if body.guests is not None:
        guests = tuple(clean_email(guest, f"body.guests[{n}]") for n, guest in enumerate(body.guests))
    wanted = attendees.Attendance(
        contact=contact_from(body.name, body.phone, body.email, "body"),
        guests=tuple(clean_email(one, f"body.guests[{n}]") for n, one in enumerate(guests))
        if guests is not None
        else None,
        version=body.version,
    )
    return show(attendees.change_attendees(_context(request), appointment_id, wanted))


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


def _context(request: Request) -> "ChangeContext[Appointment]":
    from chalicelib.booking.appointments.change_context import ChangeContext

    return ChangeContext(lambda: request.unit(show), request.company_id, now)


def _mark(request: Request, body: Change) -> Any:
    from chalicelib.booking.changes.status import Mark

    return Mark(by=str(request.actor), reason=body.reason, version=body.version)
