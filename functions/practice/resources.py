"""Resources: the rooms and devices that services need."""

from typing import Annotated

import msgspec

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Resource
from chalicelib.core.function import Function
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


class ResourceBody(Body):
    """A room or device; services ask for its `kind`. Without `hours`: whenever the branch is open."""

    branch_id: Text
    kind: Text
    name: Text
    hours: Annotated[tuple[Window, ...], msgspec.Meta(max_length=100)] | None = None
    version: Version | None = None


@function.route("GET", "/api/resources", ability="practice:read", needs=Needs(reads=("booking",)))
def list_resources(request: Request, query: RecordQuery) -> Page[Resource]:
    """All, the oldest first; with `deleted=true` those that were deleted."""
    return list_records(request, Resource, query)


@function.route(
    "POST",
    "/api/resources",
    ability="practice:write",
    status=201,
    needs=NEEDS,
    errors=("branch_not_found 404", "branch_too_large 409", "practice_busy 503"),
)
def add_resource(request: Request, body: ResourceBody) -> Resource:
    """Add a room or device."""
    return add_record(request, Resource, body)


@function.route(
    "GET",
    "/api/resources/{resource_id}",
    ability="practice:read",
    needs=Needs(reads=("booking",)),
    errors=("resource_not_found 404",),
)
def show_resource(request: Request, resource_id: str) -> Resource:
    """One of them, as it was last saved."""
    return show_record(request, Resource, resource_id)


@function.route(
    "PUT",
    "/api/resources/{resource_id}",
    ability="practice:write",
    needs=NEEDS,
    errors=(
        "resource_not_found 404",
        "branch_not_found 404",
        "stale_version 409",
        "branch_too_large 409",
        "practice_busy 503",
    ),
)
def change_resource(request: Request, resource_id: str, body: ResourceBody) -> Resource:
    """Replace it. `version` is the one that was read; when someone else was faster: 409 with the newest one."""
    return change_record(request, Resource, resource_id, body)


@function.route(
    "DELETE",
    "/api/resources/{resource_id}",
    ability="practice:write",
    status=204,
    needs=Needs(writes=("booking", "directory"), reads=("occupancy",)),
    errors=("resource_not_found 404", "stale_version 409", "has_appointments 409", "practice_busy 503"),
)
def remove_resource(request: Request, resource_id: str, query: Removal) -> None:
    """Delete it softly: it is offered nowhere any more, what was booked stays, and it can be restored."""
    remove_record(request, Resource, resource_id, query)


@function.route(
    "POST",
    "/api/resources/{resource_id}/restore",
    ability="practice:write",
    needs=NEEDS,
    errors=("resource_not_found 404", "branch_not_found 404", "practice_busy 503"),
)
def restore_resource(request: Request, resource_id: str) -> Resource:
    """Bring back what was deleted."""
    return restore_record(request, Resource, resource_id)
