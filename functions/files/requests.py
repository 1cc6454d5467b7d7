"""Requests for files: a customer is asked, and uploads by a link."""

from typing import Annotated

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.errors import invalid
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Body, Id, Text
from chalicelib.core.requests import Request
from chalicelib.files import request_store
from chalicelib.files.file_request import MOST_FILES, FileRequest
from chalicelib.files.kinds import Kind
from functions.files.answers import FileRequestAnswer, NewFileRequestAnswer, request_fields

function = Function(__name__)


class FileRequestBody(Body, kw_only=True):
    """What is asked of whom; `kinds` empty: whatever is taken. `remind_at`: times before `expires_at` (≤ 180 days)."""

    customer_id: Id | None = None
    appointment_id: Id | None = None
    title: Text
    message: Annotated[str, msgspec.Meta(max_length=2000)] = ""
    kinds: Annotated[tuple[Kind, ...], msgspec.Meta(max_length=6)] = ()
    most_files: Annotated[int, msgspec.Meta(ge=1, le=MOST_FILES)] = 10
    expires_at: Aware
    remind_at: Annotated[tuple[Aware, ...], msgspec.Meta(max_length=5)] = ()


class FileRequestsQuery(PageQuery):
    """Of one customer, or all."""

    customer_id: Id | None = None


@function.route("GET", "/api/file-requests", ability="files:read", needs=Needs(reads=("files",)))
def list_file_requests(request: Request, query: FileRequestsQuery) -> Page[FileRequestAnswer]:
    """Requests for files, the newest first."""
    found = request_store.page_requests(request.company_id, query.customer_id, query.limit, query.cursor)
    return found.map(_show)


@function.route(
    "POST",
    "/api/file-requests",
    ability="files:write",
    status=201,
    # Its answer holds the link, which is kept nowhere.
    idempotent=False,
    needs=Needs(reads=("crm", "booking"), writes=("files", "directory")),
    example={"customer_id": "cus_01", "title": "Your referral", "expires_at": "2031-05-01T12:00:00Z"},
)
def request_files_of(request: Request, body: FileRequestBody) -> NewFileRequestAnswer:
    """Ask a customer for files, by a link to a page on which they are uploaded."""
    from chalicelib.files.request_files import NewRequest, request_files
    from functions.files.references import check

    customer_id, appointment_id = check(request.company_id, body.customer_id, body.appointment_id)
    if customer_id is None:
        raise invalid("body.customer_id", "required", "Say whom to ask: a customer, or an appointment.")
    same = ("title", "message", "kinds", "most_files", "expires_at", "remind_at")
    new = NewRequest(
        customer_id=customer_id, appointment_id=appointment_id, **{name: getattr(body, name) for name in same}
    )
    made = request_files(request.unit, request.company_id, new, now)
    return NewFileRequestAnswer(**request_fields(made.request), url=made.url)  # type: ignore[arg-type]


@function.route(
    "GET",
    "/api/file-requests/{request_id}",
    ability="files:read",
    needs=Needs(reads=("files",)),
    errors=("file_request_not_found 404",),
)
def show_file_request(request: Request, request_id: str) -> FileRequestAnswer:
    """A request; its files: `GET /api/files?request_id=…`."""
    return _show(request_store.get_request(request.company_id, request_id))


@function.route(
    "DELETE",
    "/api/file-requests/{request_id}",
    ability="files:write",
    status=204,
    needs=Needs(writes=("files",)),
    errors=("file_request_not_found 404", "file_request_over 409", "storage_busy 503"),
)
def cancel_file_request(request: Request, request_id: str) -> None:
    """Take a request back: its links lead nowhere; what was uploaded stays."""
    from chalicelib.files.request_files import cancel

    cancel(request.unit, request.company_id, request_id)


def _show(request: FileRequest) -> FileRequestAnswer:
    return FileRequestAnswer(**request_fields(request))  # type: ignore[arg-type]
