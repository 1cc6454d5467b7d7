"""Packages that were booked: several services in a row, moved and given up together."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.appointments import package_store
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Aware, Body, Text, Version
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, show
from functions.booking.bodies import ChangeBody, changing
from functions.booking.cancellations import CostAnswer, show_fee
from functions.booking.changes import Cancel, Confirm

if TYPE_CHECKING:
    from chalicelib.booking.appointments.package import Together

function = Function(__name__)
WRITES = Needs(writes=("booking", "occupancy"))
USUAL = ("package_not_found 404", "stale_version 409", "calendar_busy 503")


class PackageAnswer(Answer):
    """A package with its parts in order, each an appointment. `version` goes up with every change of any part.

    What is to be paid, as a deposit or for cancelling it, is said of its first part.
    """

    id: str
    branch_id: str
    service_id: str
    customer_id: str
    starts_at: datetime
    ends_at: datetime
    status: str
    parts: list[AppointmentAnswer]
    created_at: datetime
    version: int


class MovePackage(Body):
    """`staff` by id or name, for all that they do; without it, whoever has a part keeps it where they can.

    `version`: the one you saw. `override` names rules that are not to matter; it takes the ability
    `appointments:override`, and is audited.
    """

    starts_at: Aware
    staff: Text | None = None
    version: Version | None = None
    override: Overrides = msgspec.field(default_factory=list)


@function.route(
    "GET",
    "/api/packages/{package_id}",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("package_not_found 404",),
)
def show_package(request: Request, package_id: str) -> PackageAnswer:
    """A package that was booked, with its parts."""
    return _show(package_store.get(request.company_id, package_id))


@function.route(
    "GET",
    "/api/packages/{package_id}/cancellation",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("package_not_found 404",),
)
def show_package_cancellation(request: Request, package_id: str) -> CostAnswer:
    """What cancelling a package would cost now."""
    from chalicelib.booking.rules.cancellation_fees import fee_for

    return show_fee(fee_for(package_store.get(request.company_id, package_id).parts[0], now()))


@function.route(
    "POST",
    "/api/packages/{package_id}/reschedule",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "slot_taken 409", "not_bookable 409", "not_reschedulable 409", "package_changed 409"),
    example={"starts_at": "2026-12-01T09:30:00+01:00", "version": 1},
)
def reschedule_package(request: Request, package_id: str, body: MovePackage) -> PackageAnswer:
    """Move a package: all parts, or none.

    A time that is taken answers 409 `slot_taken`, one that rules do not allow 409 `not_bookable` with all `failures`,
    also of the terms of rescheduling; both with up to three `alternatives`, each bookable as given.
    """
    from chalicelib.booking.packages.reschedule import reschedule
    from chalicelib.booking.rules.reschedule_rules import Move

    if body.override:
        request.require("appointments:override")
    move = Move(
        starts_at=body.starts_at,
        staff=body.staff,
        version=body.version,
        by=str(request.actor),
        override=tuple(body.override),
    )
    return _show(reschedule(changing(request, _show), package_id, move))


@function.route(
    "POST",
    "/api/packages/{package_id}/cancel",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_cancellable 409"),
    example={"reason": "The customer is ill", "version": 1},
)
def cancel_package(request: Request, package_id: str, body: Cancel) -> PackageAnswer:
    """Cancel a package with all its parts; one that is over already is answered as it is.

    `fee_minor` of its first part: what that costs.
    """
    from chalicelib.booking.packages.change import Change, cancel

    if body.waive_fee:
        request.require("appointments:override")
    change = Change(**asdict(body))
    return _show(cancel(changing(request, _show), package_id, change))


@function.route(
    "POST",
    "/api/packages/{package_id}/confirm",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409", "deposit_required 409"),
    example={"deposit_minor": 5000},
)
def confirm_package(request: Request, package_id: str, body: Confirm) -> PackageAnswer:
    """Confirm what was only requested, once its deposit is paid; one that is confirmed is answered as it is."""
    from chalicelib.booking.packages.change import Change, answer

    if body.without_deposit:
        request.require("appointments:override")
    change = Change(**asdict(body))
    return _show(answer(changing(request, _show), package_id, "confirmed", change))


@function.route(
    "POST",
    "/api/packages/{package_id}/decline",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409"),
    example={"reason": "We are closed that day"},
)
def decline_package(request: Request, package_id: str, body: ChangeBody) -> PackageAnswer:
    """Decline what was only requested; one that is declined is answered as it is."""
    from chalicelib.booking.packages.change import Change, answer

    return _show(answer(changing(request, _show), package_id, "declined", Change(**asdict(body))))


def _show(found: "Together") -> PackageAnswer:
    package = found.package
    return PackageAnswer(
        id=package.id,
        branch_id=package.branch_id,
        service_id=package.service_id,
        customer_id=package.customer_id,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        status=found.status,
        parts=[show(part) for part in found.parts],
        created_at=package.created_at,
        version=found.version,
    )
