"""Calls with the voice agent."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.calls import call_notes, chain, list_store, store
from chalicelib.calls.chain import Chain
from chalicelib.core.errors import invalid
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Body
from chalicelib.core.requests import Request
from functions.calls.answers import CallAnswer, FullCallAnswer, show, show_full

function = Function(__name__)
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Notes = Annotated[str, msgspec.Meta(max_length=call_notes.LONGEST_NOTES)]


class CallQuery(PageQuery):
    """`started_from` inclusive, `started_until` exclusive; these and `customer_id` are keys, the rest is filtered.

    `status` as Retell names it: registered, ongoing, ended, not_connected, error; `sentiment`: Positive, Negative, ….
    """

    customer_id: Word | None = None
    started_from: Aware | None = None
    started_until: Aware | None = None
    status: Word | None = None
    direction: Literal["inbound", "outbound"] | None = None
    sentiment: Word | None = None
    branch_id: Word | None = None
    tag: Word | None = None
    has_appointment: bool | None = None


class CallChanges(Body):
    """Notes, tags or both, over the `notes_version` that was read; what is absent stays as it is."""

    notes_version: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    notes: Notes | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET


class CallLinkBody(Body):
    """Whose call it was."""

    customer_id: Word


@function.route("GET", "/api/calls", ability="calls:read", needs=Needs(reads=("calls",)))
def list_calls(request: Request, query: CallQuery) -> Page[CallAnswer]:
    """Calls, the newest first.

    With filters a page may hold fewer than `limit`, even none, and still have a `next_cursor`: it reads only so many.
    """
    if query.started_from and query.started_until and query.started_from >= query.started_until:
        raise invalid("query.started_until", "empty_range", "The range ends before it starts.")
    given = {name: getattr(query, name) for name in list_store.CallFilter.__struct_fields__}
    filters = list_store.CallFilter(**given | {"tag": query.tag.lower() if query.tag else None})
    return list_store.page_calls(request.company_id, filters, limit=query.limit, cursor=query.cursor).map(show)


@function.route(
    "GET",
    "/api/calls/{call_id}",
    ability="calls:read",
    needs=Needs(reads=("calls", "booking", "crm", "directory")),
    errors=("call_not_found 404",),
)
def show_call(request: Request, call_id: str) -> FullCallAnswer:
    """One call, by our id, Retell's or its old number, with its transcript, its customer and its appointment."""
    call, transcript = store.read_call(request.company_id, call_id)
    return show_full(chain.follow(call), transcript)


@function.route(
    "PATCH",
    "/api/calls/{call_id}",
    ability="calls:write",
    needs=Needs(reads=("directory",), writes=("calls",)),
    errors=("call_not_found 404", "stale 409"),
    example={"notes_version": 0, "notes": "Wants a morning next time.", "tags": ["callback"]},
)
def change_call(request: Request, call_id: str, body: CallChanges) -> CallAnswer:
    """Write notes and tags. Somebody else's change since `notes_version` was read answers 409 `stale`."""
    text = None if body.notes is UNSET else body.notes
    tags = None if body.tags is UNSET else body.tags
    return show(call_notes.write_notes(request.unit(show), call_id, text, tags, body.notes_version))


@function.route(
    "PUT",
    "/api/calls/{call_id}/link",
    ability="calls:write",
    needs=Needs(reads=("directory", "crm"), writes=("calls",)),
    errors=("call_not_found 404", "customer_not_found 404", "call_has_appointment 409"),
    example={"customer_id": "cus_00D1ZMFH9MM3HK4Z12GC"},
)
def link_call(request: Request, call_id: str, body: CallLinkBody) -> CallAnswer:
    """Say whose call it was. A call that led to an appointment is that one's customer's."""
    return show(call_notes.link_customer(lambda: request.unit(show), call_id, body.customer_id))


@function.route(
    "DELETE",
    "/api/calls/{call_id}/link",
    ability="calls:write",
    status=204,
    needs=Needs(reads=("directory", "crm"), writes=("calls",)),
    errors=("call_not_found 404", "call_has_appointment 409"),
)
def unlink_call(request: Request, call_id: str) -> None:
    """Take back whose call it was."""
    call_notes.link_customer(request.unit, call_id, None)


@function.route(
    "GET",
    "/api/calls/{call_id}/chain",
    ability="calls:read",
    needs=Needs(reads=("calls", "booking", "crm", "directory")),
    errors=("call_not_found 404",),
)
def show_chain(request: Request, call_id: str) -> Chain:
    """The nine criteria from call to appointment, and whether each holds."""
    return chain.judge(chain.links_of(request.company_id, call_id))
