"""What the routes of branches, services, staff and resources do alike: listing, adding, changing, deleting records."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from chalicelib.booking.practice.models import Branch, Resource, Service, Staff
from chalicelib.core.clock import now
from chalicelib.core.errors import invalid
from chalicelib.core.ids import new_id
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body, Query, Version
from chalicelib.core.requests import Request
from chalicelib.core.unit import UnitFactory
from functions.practice.answers import read_references, show_service, show_staff

R = TypeVar("R", Branch, Service, Staff, Resource)
SHOWN: dict[type[Any], Callable[[Any], Any]] = {Service: show_service, Staff: show_staff}
"""How clients see records that they do not see as they are stored."""
PREFIXES: dict[type[Any], str] = {Branch: "bra", Service: "svc", Staff: "stf", Resource: "res"}


class RecordQuery(PageQuery):
    """`deleted`: those that were deleted instead of those that stand."""

    deleted: bool = False


class Removal(Query):
    """`version`: delete it only if nobody changed it since."""

    version: Version | None = None


def list_records(request: Request, kind: type[R], query: RecordQuery) -> Page[R]:
    """A page of a kind, the oldest first."""
    from chalicelib.booking.practice import store as practice_store

    limit, cursor = query.limit, query.cursor
    return practice_store.page_of(kind, request.company_id, limit=limit, cursor=cursor, deleted=query.deleted)


def show_record(request: Request, kind: type[R], record_id: str) -> R:
    """One of a kind, as it was last saved; raises NotFound."""
    from chalicelib.booking.practice import store as practice_store

    return practice_store.get(kind, request.company_id, record_id)


def add_record(request: Request, kind: type[R], body: Body) -> R:
    """The first version of a record, saved."""
    from chalicelib.booking.practice_admin import manage

    fields = read_references(_fields(body), ())
    if fields.pop("version") is not None:
        raise invalid("body.version", "not_allowed", "What is new has no version yet.")
    if kind is Service:
        fields["number"] = 0  # the use case gives the next free one
    record = kind(id=new_id(PREFIXES[kind]), company_id=request.company_id, **fields)
    return manage.save(_units(request, kind), record, now)


def change_record(request: Request, kind: type[R], record_id: str, body: Body) -> R:
    """The next version of a record, saved; raises NotFound, and Conflict for a body made from an older version."""
    from chalicelib.booking.practice_admin import manage

    fields = _fields(body)
    version = fields.pop("version")
    if version is None:
        raise invalid("body.version", "required", "Give the version that you read, so that nobody's change is lost.")
    current = show_record(request, kind, record_id)
    if version != current.version:
        raise manage.stale_version(current)
    fields = read_references(fields, getattr(current, "references", ()))
    return manage.save(_units(request, kind), msgspec.structs.replace(current, **fields, version=version + 1), now)


def remove_record(request: Request, kind: type[R], record_id: str, query: Removal) -> None:
    """Delete a record softly."""
    from chalicelib.booking.practice_admin import manage

    manage.remove(request.unit, kind, record_id, query.version, now)


def restore_record(request: Request, kind: type[R], record_id: str) -> R:
    """Bring a record back that was deleted."""
    from chalicelib.booking.practice_admin import manage

    return manage.restore(_units(request, kind), kind, record_id, now)


def _units(request: Request, kind: type[Any]) -> UnitFactory:
    return lambda: request.unit(SHOWN.get(kind, lambda record: record))


def _fields(body: Body) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}
