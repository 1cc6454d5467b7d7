"""Packages that were booked: several services in a row, moved and given up together."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from chalicelib.booking import package_store
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.booking.answers import AppointmentAnswer, show

if TYPE_CHECKING:
    from chalicelib.booking.package import Together

function = Function(__name__)
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Version = Annotated[int, msgspec.Meta(ge=1)]
WRITES = Needs(writes=("booking", "occupancy"))
USUAL = ("package_not_found 404", "stale_version 409", "calendar_busy 503")


class PackageAnswer(Answer):
    """A package with its parts in order, each an appointment. `version` goes up with every change of any part."""

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

    `version`: the one you saw.
    """

    starts_at: Aware
    staff: Text | None = None
    version: Version | None = None


class ChangePackage(Body):
    """Why, and the `version` you saw; both may be left out."""

    reason: Reason | None = None
    version: Version | None = None


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
    "POST",
    "/api/packages/{package_id}/reschedule",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "slot_taken 409", "not_bookable 409", "not_reschedulable 409", "package_changed 409"),
    example={"starts_at": "2026-12-01T09:30:00+01:00", "version": 1},
)
def reschedule_package(request: Request, package_id: str, body: MovePackage) -> PackageAnswer:
    """Move a package: all parts, or none. A time that is taken answers 409 `slot_taken` with `alternatives`."""
    from chalicelib.booking.package_moving import PackageMove, reschedule

    move = PackageMove(starts_at=body.starts_at, staff=body.staff, version=body.version)
    return _show(reschedule(lambda: request.unit(_show), request.company_id, package_id, move, now))


@function.route(
    "POST",
    "/api/packages/{package_id}/cancel",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_cancellable 409"),
    example={"reason": "The customer is ill", "version": 1},
)
def cancel_package(request: Request, package_id: str, body: ChangePackage) -> PackageAnswer:
    """Cancel a package with all its parts; one that is over already is answered as it is."""
    from chalicelib.booking.package_changing import Change, cancel

    wanted = Change(reason=body.reason, version=body.version)
    return _show(cancel(lambda: request.unit(_show), request.company_id, package_id, wanted))


@function.route(
    "POST",
    "/api/packages/{package_id}/confirm",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409"),
    example={},
)
def confirm_package(request: Request, package_id: str, body: ChangePackage) -> PackageAnswer:
    """Confirm what was only requested; one that is confirmed is answered as it is."""
    return _answer(request, package_id, "confirmed", body)


@function.route(
    "POST",
    "/api/packages/{package_id}/decline",
    ability="appointments:write",
    needs=WRITES,
    errors=(*USUAL, "not_requested 409"),
    example={"reason": "We are closed that day"},
)
def decline_package(request: Request, package_id: str, body: ChangePackage) -> PackageAnswer:
    """Decline what was only requested; one that is declined is answered as it is."""
    return _answer(request, package_id, "declined", body)


def _answer(
    request: Request, package_id: str, status: Literal["confirmed", "declined"], body: ChangePackage
) -> PackageAnswer:
    from chalicelib.booking.package_changing import Change, answer

    wanted = Change(reason=body.reason, version=body.version)
    return _show(answer(lambda: request.unit(_show), request.company_id, package_id, status, wanted))


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
