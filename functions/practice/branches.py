"""Branches: hours, closures, holidays, what they offer and on which terms."""

from typing import Annotated

import msgspec

from chalicelib.booking.appointments.external import provider_names
from chalicelib.booking.practice.hours import Closure, DayHours, Window
from chalicelib.booking.practice.models import Branch, GeoAddress, HolidayCalendar, Offer
from chalicelib.booking.practice.phone import CallRouting, QuietHours
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.function import Function
from chalicelib.core.money import Currency
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Body, Text, Version
from chalicelib.core.requests import Request
from functions.practice.records import (
    RecordQuery,
    Removal,
    add_record,
    change_record,
    list_records,
    remove_record,
    restore_record,
    show_record,
)

function = Function(__name__)
NEEDS = Needs(writes=("booking", "directory"))


class BranchBody(Body):
    """A branch. `zone` is an IANA name; `phone` in E.164; `version` is required to change one.

    `offers` by service id. `exceptions` replace the hours of a date, `closures` and `holidays` close dates.
    """

    name: Text
    zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    hours: Annotated[tuple[Window, ...], msgspec.Meta(max_length=100)]
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    books_through: Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["none", *provider_names()]})] = "none"
    language: Annotated[str, msgspec.Meta(min_length=2, max_length=10)] = "en"
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "DE"
    currency: Currency = "EUR"
    exceptions: Annotated[tuple[DayHours, ...], msgspec.Meta(max_length=500)] = ()
    closures: Annotated[tuple[Closure, ...], msgspec.Meta(max_length=100)] = ()
    holidays: HolidayCalendar | None = None
    offers: Annotated[dict[str, Offer], msgspec.Meta(max_length=500)] = {}
    policy: Policy = Policy()
    place: GeoAddress | None = None
    call_routing: CallRouting = CallRouting()
    quiet_hours: QuietHours = QuietHours()
    published: bool = True
    version: Version | None = None


@function.route("GET", "/api/branches", ability="practice:read", needs=Needs(reads=("booking",)))
def list_branches(request: Request, query: RecordQuery) -> Page[Branch]:
    """All, the oldest first; with `deleted=true` those that were deleted."""
    return list_records(request, Branch, query)


@function.route(
    "POST",
    "/api/branches",
    ability="practice:write",
    status=201,
    needs=NEEDS,
    errors=("phone_taken 409", "branch_too_large 409", "practice_busy 503"),
)
def add_branch(request: Request, body: BranchBody) -> Branch:
    """Add a branch."""
    return add_record(request, Branch, body)


@function.route(
    "GET",
    "/api/branches/{branch_id}",
    ability="practice:read",
    needs=Needs(reads=("booking",)),
    errors=("branch_not_found 404",),
)
def show_branch(request: Request, branch_id: str) -> Branch:
    """One of them, as it was last saved."""
    return show_record(request, Branch, branch_id)


@function.route(
    "PUT",
    "/api/branches/{branch_id}",
    ability="practice:write",
    needs=NEEDS,
    errors=(
        "branch_not_found 404",
        "phone_taken 409",
        "stale_version 409",
        "branch_too_large 409",
        "practice_busy 503",
    ),
)
def change_branch(request: Request, branch_id: str, body: BranchBody) -> Branch:
    """Replace it. `version` is the one that was read; when someone else was faster: 409 with the newest one."""
    return change_record(request, Branch, branch_id, body)


@function.route(
    "DELETE",
    "/api/branches/{branch_id}",
    ability="practice:write",
    status=204,
    needs=NEEDS,
    errors=("branch_not_found 404", "stale_version 409", "has_appointments 409", "practice_busy 503"),
)
def remove_branch(request: Request, branch_id: str, query: Removal) -> None:
    """Delete it softly: it is offered nowhere any more, what was booked stays, and it can be restored."""
    remove_record(request, Branch, branch_id, query)


@function.route(
    "POST",
    "/api/branches/{branch_id}/restore",
    ability="practice:write",
    needs=NEEDS,
    errors=("branch_not_found 404", "phone_taken 409", "practice_busy 503"),
)
def restore_branch(request: Request, branch_id: str) -> Branch:
    """Bring back what was deleted."""
    return restore_record(request, Branch, branch_id)
