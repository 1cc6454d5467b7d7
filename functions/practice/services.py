"""Services: what can be booked, how long it takes, what it costs and what it needs."""

from typing import Annotated, Literal

import msgspec

from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.practice.models import Buffer, Channel, Length, Part, Service
from chalicelib.booking.practice.policy import Policy
from chalicelib.core.function import Function
from chalicelib.core.money import Minor
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Body, Text, Version
from chalicelib.core.requests import Request
from functions.practice import answers
from functions.practice.answers import ServiceAnswer
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


class ServiceBody(Body):
    """A service; lengths in whole minutes, money in minor units of the branch's currency. `version` to change one."""

    name: Text
    duration_min: Length
    buffer_before_min: Buffer = 0
    buffer_after_min: Buffer = 0
    slot_interval_min: Annotated[int, msgspec.Meta(ge=5, le=240)] = 15
    slot_offset_min: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    channel: Channel = "in_person"
    alignment: Alignment = "rounded"
    calcom_event_types: Annotated[dict[str, int], msgspec.Meta(max_length=200)] = {}
    category: Literal["fixed", "flexible", "package", "recurring"] = "fixed"
    longest_min: Length | None = None
    parts: Annotated[tuple[Part, ...], msgspec.Meta(max_length=10)] = ()
    price_minor: Minor = 0
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    skills: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] = ()
    resources: Annotated[tuple[Text, ...], msgspec.Meta(max_length=5)] = ()
    consultation_id: str | None = None
    mobile: bool = False
    seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    least_seats: Annotated[int, msgspec.Meta(ge=1, le=500)] = 1
    policy: Policy = Policy()
    published: bool = True
    version: Version | None = None


@function.route("GET", "/api/services", ability="practice:read", needs=Needs(reads=("booking",)))
def list_services(request: Request, query: RecordQuery) -> Page[ServiceAnswer]:
    """All, the oldest first; with `deleted=true` those that were deleted."""
    return list_records(request, Service, query).map(answers.show_service)


@function.route(
    "POST",
    "/api/services",
    ability="practice:write",
    status=201,
    needs=NEEDS,
    errors=("event_type_taken 409", "branch_too_large 409", "practice_busy 503"),
)
def add_service(request: Request, body: ServiceBody) -> ServiceAnswer:
    """Add a service."""
    return answers.show_service(add_record(request, Service, body))


@function.route(
    "GET",
    "/api/services/{service_id}",
    ability="practice:read",
    needs=Needs(reads=("booking",)),
    errors=("service_not_found 404",),
)
def show_service(request: Request, service_id: str) -> ServiceAnswer:
    """One of them, as it was last saved."""
    return answers.show_service(show_record(request, Service, service_id))


@function.route(
    "PUT",
    "/api/services/{service_id}",
    ability="practice:write",
    needs=NEEDS,
    errors=(
        "service_not_found 404",
        "event_type_taken 409",
        "stale_version 409",
        "branch_too_large 409",
        "practice_busy 503",
    ),
)
def change_service(request: Request, service_id: str, body: ServiceBody) -> ServiceAnswer:
    """Replace it. `version` is the one that was read; when someone else was faster: 409 with the newest one."""
    return answers.show_service(change_record(request, Service, service_id, body))


@function.route(
    "DELETE",
    "/api/services/{service_id}",
    ability="practice:write",
    status=204,
    needs=NEEDS,
    errors=("service_not_found 404", "stale_version 409", "part_of_package 409", "practice_busy 503"),
)
def remove_service(request: Request, service_id: str, query: Removal) -> None:
    """Delete it softly: it is offered nowhere any more, what was booked stays, and it can be restored."""
    remove_record(request, Service, service_id, query)


@function.route(
    "POST",
    "/api/services/{service_id}/restore",
    ability="practice:write",
    needs=NEEDS,
    errors=("service_not_found 404", "event_type_taken 409", "practice_busy 503"),
)
def restore_service(request: Request, service_id: str) -> ServiceAnswer:
    """Bring back what was deleted."""
    return answers.show_service(restore_record(request, Service, service_id))
