"""Resources: the rooms and devices that services need."""

from typing import Annotated

import msgspec

from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Resource, Text
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from functions.practice.records import RecordQuery, Removal, Version, changed, made

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
    from chalicelib.booking.practice import store as practice_store

    return practice_store.page_of(
        Resource, request.company_id, limit=query.limit, cursor=query.cursor, deleted=query.deleted
    )


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
    from chalicelib.booking.practice_admin import manage

    return manage.save(request.unit, made(Resource, "res", request.company_id, body), now)


@function.route(
    "GET",
    "/api/resources/{resource_id}",
    ability="practice:read",
    needs=Needs(reads=("booking",)),
    errors=("resource_not_found 404",),
)
def show_resource(request: Request, resource_id: str) -> Resource:
    """One of them, as it was last saved."""
    from chalicelib.booking.practice import store as practice_store

    return practice_store.get(Resource, request.company_id, resource_id)


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
    from chalicelib.booking.practice_admin import manage

    return manage.save(request.unit, changed(Resource, request.company_id, resource_id, body), now)


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
    from chalicelib.booking.practice_admin import manage

    manage.remove(request.unit, Resource, resource_id, query.version, now)


@function.route(
    "POST",
    "/api/resources/{resource_id}/restore",
    ability="practice:write",
    needs=NEEDS,
    errors=("resource_not_found 404", "branch_not_found 404", "practice_busy 503"),
)
def restore_resource(request: Request, resource_id: str) -> Resource:
    """Bring back what was deleted."""
    from chalicelib.booking.practice_admin import manage

    return manage.restore(request.unit, Resource, resource_id, now)
