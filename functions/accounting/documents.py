"""Invoices and quotes at Fatture in Cloud: lists, PDF links, and making one of an appointment."""

from typing import Annotated, Literal

import msgspec

from chalicelib.accounting import account_store, list_records
from chalicelib.accounting.record import Resource
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.money import Currency
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.accounting.answers import (
    DocumentAnswer,
    DocumentQuery,
    ShortText,
    WholeDocument,
    show_document,
    show_whole_document,
)

function = Function(__name__)
READS = Needs(reads=("records", "accounting"))
VENDOR_SECRETS = ("fic_client_id", "fic_client_secret")
MAKES = Needs(
    reads=("booking", "crm", "directory"),
    writes=("accounting", "records", "syncing"),
    vault=True,
    secrets=VENDOR_SECRETS,
)
LINKS = Needs(reads=("records",), writes=("accounting",), vault=True, secrets=VENDOR_SECRETS)
MOST_MINOR_UNITS = 10**11
ERRORS = (
    "fic_account_not_found 404",
    "appointment_not_found 404",
    "appointment_not_completed 409",
    "fic_not_connected 409",
    "fic_invalid 502",
)
EXAMPLE = {
    "appointment_id": "apt_00D1ZMFH9MM3HK4Z12GC",
    "items": [{"name": "Consultation", "net": 5000, "vat_id": 0, "vat_percent": 22}],
}


class Item(Body):
    """`net` for one, in the currency's smallest unit. `vat_id` is FIC's id of the rate, `vat_percent` the rate."""

    name: ShortText
    net: Annotated[int, msgspec.Meta(ge=0, le=MOST_MINOR_UNITS)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1
    vat_id: Annotated[int, msgspec.Meta(ge=0, le=2**31)] = 0
    vat_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 22
    description: Annotated[str, msgspec.Meta(max_length=2000)] = ""


class NewDocument(Body):
    """What to make of which completed appointment. No `client_id`: the client that its customer is."""

    appointment_id: ShortText
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=100)]
    client_id: ShortText | None = None
    currency: Currency = "EUR"


class IssuedAnswer(Answer):
    """`pending`: Fatture in Cloud has not said yet whether it made it; ask again, nothing is made twice."""

    status: Literal["issued", "pending"]
    appointment_id: str
    document: DocumentAnswer | None


class LinkAnswer(Answer):
    """A link that Fatture in Cloud makes for a while."""

    url: str


@function.route("GET", "/api/fic/invoices", ability="accounting:read", needs=READS)
def list_fic_invoices(request: Request, query: DocumentQuery) -> Page[DocumentAnswer]:
    """Invoices, the newest first. A page may hold fewer than `limit` while `next_cursor` leads on."""
    return list_records.list_records(request.company_id, "invoices", query).map(show_document)


@function.route("GET", "/api/fic/quotes", ability="accounting:read", needs=READS)
def list_fic_quotes(request: Request, query: DocumentQuery) -> Page[DocumentAnswer]:
    """Quotes, the newest first. A page may hold fewer than `limit` while `next_cursor` leads on."""
    return list_records.list_records(request.company_id, "quotes", query).map(show_document)


@function.route(
    "GET",
    "/api/fic/invoices/{invoice_id}",
    ability="accounting:read",
    needs=READS,
    errors=("fic_invoice_not_found 404",),
)
def show_fic_invoice(request: Request, invoice_id: str) -> WholeDocument:
    """One invoice, by our id or FIC's."""
    return show_whole_document(list_records.get_record(request.company_id, "invoices", invoice_id))


@function.route(
    "GET", "/api/fic/quotes/{quote_id}", ability="accounting:read", needs=READS, errors=("fic_quote_not_found 404",)
)
def show_fic_quote(request: Request, quote_id: str) -> WholeDocument:
    """One quote, by our id or FIC's."""
    return show_whole_document(list_records.get_record(request.company_id, "quotes", quote_id))


@function.route(
    "GET",
    "/api/fic/invoices/{invoice_id}/pdf",
    ability="accounting:read",
    needs=LINKS,
    errors=("fic_invoice_not_found 404", "fic_pdf_not_found 404", "fic_not_connected 409"),
)
def link_fic_invoice_pdf(request: Request, invoice_id: str) -> LinkAnswer:
    """Where the invoice's PDF is, asked of Fatture in Cloud just now."""
    return _link(request, "invoices", invoice_id)


@function.route(
    "GET",
    "/api/fic/quotes/{quote_id}/pdf",
    ability="accounting:read",
    needs=LINKS,
    errors=("fic_quote_not_found 404", "fic_pdf_not_found 404", "fic_not_connected 409"),
)
def link_fic_quote_pdf(request: Request, quote_id: str) -> LinkAnswer:
    """Where the quote's PDF is, asked of Fatture in Cloud just now."""
    return _link(request, "quotes", quote_id)


@function.route(
    "POST",
    "/api/fic/accounts/{account_id}/invoices",
    ability="accounting:write",
    status=201,
    idempotent=False,
    needs=MAKES,
    errors=ERRORS,
    example=EXAMPLE,
)
def issue_fic_invoice(request: Request, account_id: str, body: NewDocument) -> IssuedAnswer:
    """Have an invoice made of a completed appointment; again, it is the same one. Fatture in Cloud numbers it."""
    return _issue(request, account_id, "invoices", body)


@function.route(
    "POST",
    "/api/fic/accounts/{account_id}/quotes",
    ability="accounting:write",
    status=201,
    idempotent=False,
    needs=MAKES,
    errors=ERRORS,
    example=EXAMPLE,
)
def issue_fic_quote(request: Request, account_id: str, body: NewDocument) -> IssuedAnswer:
    """Have a quote made of a completed appointment; again, it is the same one. Fatture in Cloud numbers it."""
    return _issue(request, account_id, "quotes", body)


def _link(request: Request, resource: Resource, record_id: str) -> LinkAnswer:
    from chalicelib.accounting.issue_invoice import pdf_link

    return LinkAnswer(url=pdf_link(request.unit, request.company_id, resource, record_id, now))


def _issue(request: Request, account_id: str, resource: Resource, body: NewDocument) -> IssuedAnswer:
    from chalicelib.accounting.issue_invoice import InvoiceRequest, issue
    from chalicelib.accounting.order import Line

    account = account_store.get_account(request.company_id, account_id)
    names = Item.__struct_fields__
    lines = tuple(Line(**{name: getattr(item, name) for name in names}) for item in body.items)
    order = InvoiceRequest(
        appointment_id=body.appointment_id, lines=lines, client_id=body.client_id, currency=body.currency
    )
    issued = issue(request.unit, account, resource, order, now)
    return IssuedAnswer(
        status="issued" if issued.record else "pending",
        appointment_id=body.appointment_id,
        document=show_document(issued.record) if issued.record else None,
    )
