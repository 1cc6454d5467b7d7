"""What the routes of branches, services, staff and resources share: queries, and from body to record."""

from typing import Annotated, Any, TypeVar

import msgspec

from chalicelib.booking.practice.models import Branch, Resource, Service, Staff
from chalicelib.core.errors import invalid
from chalicelib.core.ids import new_id
from chalicelib.core.pages import PageQuery
from chalicelib.core.payloads import Body, Query

R = TypeVar("R", Branch, Service, Staff, Resource)
Version = Annotated[int, msgspec.Meta(ge=1)]


class RecordQuery(PageQuery):
    """`deleted`: those that were deleted instead of those that stand."""

    deleted: bool = False


class Removal(Query):
    """`version`: delete it only if nobody changed it since."""

    version: Version | None = None


def made(kind: type[R], prefix: str, company_id: str, body: Body) -> R:
    """The first version of a record."""
    fields = _fields(body)
    if fields.pop("version") is not None:
        raise invalid("body.version", "not_allowed", "What is new has no version yet.")
    if kind is Service:
        fields["number"] = 0  # the use case gives the next free one
    return kind(id=new_id(prefix), company_id=company_id, **fields)


def changed(kind: type[R], company_id: str, record_id: str, body: Body) -> R:
    """The next version of a record; raises NotFound, and Conflict when the body was made from an older version."""
    from chalicelib.booking.practice import store as practice_store
    from chalicelib.booking.practice_admin import manage

    fields = _fields(body)
    version = fields.pop("version")
    if version is None:
        raise invalid("body.version", "required", "Give the version that you read, so that nobody's change is lost.")
    current = practice_store.get(kind, company_id, record_id)
    if version != current.version:
        raise manage.stale_version(current)
    return msgspec.structs.replace(current, **fields, version=version + 1)


def _fields(body: Body) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}
