"""Requests for files in DynamoDB."""

from datetime import timedelta

from chalicelib.core import directory
from chalicelib.core.clock import epoch, stamp
from chalicelib.core.directory import Claim
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.pages import Page, Selection, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.files.file_request import REQUEST, FileRequest
from chalicelib.files.store import BY_COMPANY, BY_CUSTOMER, MOST_READ
from chalicelib.files.tables import FileRow

SAYS_FOR = timedelta(days=30)
"""How long after its end a link still says that it has ended."""


def find_request(company_id: str, request_id: str) -> FileRequest | None:
    """One request."""
    row = fetch_one(Key(FileRow, f"{company_id}#{request_id}", "request"))
    found: FileRequest | None = row.model(FileRequest) if row is not None else None
    return found


def get_request(company_id: str, request_id: str) -> FileRequest:
    """One request; raises NotFound."""
    found = find_request(company_id, request_id)
    if found is None:
        raise NotFound("file_request_not_found", f"There is no request for files {request_id}.")
    return found


def save_request(unit: Unit, request: FileRequest) -> None:
    """Add version 1, or write the next version; the unit ends as Stale when another one came first."""
    row = FileRow(
        f"{request.company_id}#{request.id}",
        "request",
        data=encode(request),
        version=request.version,
        listing=f"{request.company_id}#requests",
        customer=f"{request.company_id}#{request.customer_id}#requests",
        created_at=f"{stamp(request.created_at)}#{request.id}",
    )
    unit.put(row, FileRow.pk.does_not_exist() if request.version == 1 else FileRow.version == request.version - 1)


def page_requests(company_id: str, customer_id: str | None, limit: int, cursor: str | None) -> Page[FileRequest]:
    """A company's or a customer's, the newest first."""
    where = BY_CUSTOMER if customer_id else BY_COMPANY
    value = f"{company_id}#{customer_id}#requests" if customer_id else f"{company_id}#requests"
    selection = Selection(most_read=MOST_READ, newest_first=True)
    found = page(where, value, limit=limit, cursor=cursor, selection=selection)
    return found.map(lambda row: row.model(FileRequest))


def claim_link(unit: Unit, request: FileRequest, digest: str) -> None:
    """Let the digest of a link's secret lead to the request until some time after its end."""
    claim = Claim(REQUEST, digest, request.id, expires_at=epoch(request.expires_at + SAYS_FOR))
    directory.claim(unit, claim, Stale())
