"""Messages that callers left for staff."""

from datetime import datetime
from typing import Literal

from chalicelib.calls import message_store
from chalicelib.calls.message import CallMessage
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request

function = Function(__name__)


class CallMessageQuery(PageQuery):
    """`status`: those that wait for someone, or those done."""

    status: Literal["open", "done"] = "open"


class CallMessageChange(Body):
    """Mark it `done`, or `open` again."""

    status: Literal["open", "done"]


class CallMessageAnswer(Answer):
    """A message. `phone` is where to call back; `done_by` the user who marked it."""

    id: str
    branch_id: str
    call_id: str
    customer_id: str | None
    name: str | None
    phone: str | None
    text: str
    status: str
    done_by: str | None
    created_at: datetime
    updated_at: datetime
    version: int


@function.route("GET", "/api/call-messages", ability="calls:read", needs=Needs(reads=("calls",)))
def list_call_messages(request: Request, query: CallMessageQuery) -> Page[CallMessageAnswer]:
    """Messages that wait for someone (or those done), the newest first."""
    return message_store.page_messages(request.company_id, query.status, query.limit, query.cursor).map(_show)


@function.route(
    "PATCH",
    "/api/call-messages/{message_id}",
    ability="calls:write",
    needs=Needs(writes=("calls",)),
    errors=("message_not_found 404", "stale 409"),
    example={"status": "done"},
)
def mark_call_message(request: Request, message_id: str, body: CallMessageChange) -> CallMessageAnswer:
    """Mark a message done, or open again."""
    from chalicelib.calls.messages import mark

    return _show(mark(lambda: request.unit(_show), message_id, body.status, now))


def _show(message: CallMessage) -> CallMessageAnswer:
    fields = CallMessageAnswer.__struct_fields__
    return CallMessageAnswer(**{name: getattr(message, name) for name in fields})
