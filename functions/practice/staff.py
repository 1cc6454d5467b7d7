"""Staff: where and when they work, what they do and may do, and what customers see of them."""

from typing import Annotated

import msgspec

from chalicelib.booking.practice.hours import DayHours, Window
from chalicelib.booking.practice.models import Gender, GeoAddress, Profile, Skill, Staff
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Body, Text, Version
from chalicelib.core.requests import Request
from functions.practice import answers
from functions.practice.answers import StaffAnswer
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


class StaffBody(Body):
    """A member of staff; `hours`, `breaks` and `exceptions` by branch id. `version` is required to change one."""

    name: Text
    home_branch_id: Text
    hours: Annotated[dict[str, tuple[Window, ...]], msgspec.Meta(max_length=20)]
    service_ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=500)] = ()
    calcom_user_id: int | None = None
    email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    phone: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    breaks: Annotated[dict[str, tuple[Window, ...]], msgspec.Meta(max_length=20)] = {}
    exceptions: Annotated[dict[str, tuple[DayHours, ...]], msgspec.Meta(max_length=20)] = {}
    skills: Annotated[tuple[Skill, ...], msgspec.Meta(max_length=100)] = ()
    languages: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=2, max_length=3)], ...], msgspec.Meta(max_length=20)
    ] = ()
    gender: Gender | None = None
    daily_maximum: Annotated[int, msgspec.Meta(ge=1, le=500)] | None = None
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    home: GeoAddress | None = None
    profile: Profile = Profile()
    published: bool = True
    version: Version | None = None


@function.route("GET", "/api/staff", ability="practice:read", needs=Needs(reads=("booking",)))
def list_staff(request: Request, query: RecordQuery) -> Page[StaffAnswer]:
    """All, the oldest first; with `deleted=true` those that were deleted."""
    return list_records(request, Staff, query).map(answers.show_staff)


@function.route(
    "POST",
    "/api/staff",
    ability="practice:write",
    status=201,
    needs=NEEDS,
    errors=("branch_too_large 409", "practice_busy 503"),
)
def add_staff_member(request: Request, body: StaffBody) -> StaffAnswer:
    """Add a member of staff."""
    return answers.show_staff(add_record(request, Staff, body))


@function.route(
    "GET",
    "/api/staff/{staff_id}",
    ability="practice:read",
    needs=Needs(reads=("booking",)),
    errors=("staff_not_found 404",),
)
def show_staff_member(request: Request, staff_id: str) -> StaffAnswer:
    """One of them, as it was last saved."""
    return answers.show_staff(show_record(request, Staff, staff_id))


@function.route(
    "PUT",
    "/api/staff/{staff_id}",
    ability="practice:write",
    needs=NEEDS,
    errors=("staff_not_found 404", "stale_version 409", "branch_too_large 409", "practice_busy 503"),
)
def change_staff_member(request: Request, staff_id: str, body: StaffBody) -> StaffAnswer:
    """Replace it. `version` is the one that was read; when someone else was faster: 409 with the newest one."""
    return answers.show_staff(change_record(request, Staff, staff_id, body))


@function.route(
    "DELETE",
    "/api/staff/{staff_id}",
    ability="practice:write",
    status=204,
    needs=NEEDS,
    errors=("staff_not_found 404", "stale_version 409", "has_appointments 409", "practice_busy 503"),
)
def remove_staff_member(request: Request, staff_id: str, query: Removal) -> None:
    """Delete it softly: it is offered nowhere any more, what was booked stays, and it can be restored."""
    remove_record(request, Staff, staff_id, query)


@function.route(
    "POST",
    "/api/staff/{staff_id}/restore",
    ability="practice:write",
    needs=NEEDS,
    errors=("staff_not_found 404", "practice_busy 503"),
)
def restore_staff_member(request: Request, staff_id: str) -> StaffAnswer:
    """Bring back what was deleted."""
    return answers.show_staff(restore_record(request, Staff, staff_id))
