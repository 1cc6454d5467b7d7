"""What a customer is billed by and has been billed: beside their appointments."""

from typing import Annotated

import msgspec

from chalicelib.accounting import list_records
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from chalicelib.crm.people import store as people
from functions.accounting.answers import DocumentAnswer, show_document

function = Function(__name__)
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class NewBilling(Body):
    """Tax numbers, as they are written; null: none."""

    vat_number: Number | None = None
    tax_code: Number | None = None


class BillingAnswer(Answer):
    """Tax numbers, letters and digits only; an Italian VAT number without IT."""

    customer_id: str
    vat_number: str | None
    tax_code: str | None


class InvoicesAnswer(Answer):
    """The newest hundred, the newest first."""

    data: list[DocumentAnswer]


@function.route(
    "GET",
    "/api/customers/{customer_id}/invoices",
    ability="accounting:read",
    needs=Needs(reads=("records", "crm")),
    errors=("customer_not_found 404",),
)
def list_customer_invoices(request: Request, customer_id: str) -> InvoicesAnswer:
    """Invoices of all the clients that this customer is at Fatture in Cloud."""
    customer = people.get(request.company_id, customer_id)
    found = list_records.documents_of_customer(request.company_id, customer.id, "invoices")
    return InvoicesAnswer(data=[show_document(record) for record in found])


@function.route(
    "PUT",
    "/api/customers/{customer_id}/billing",
    ability="accounting:write",
    needs=Needs(reads=("crm",), writes=("syncing",)),
    errors=("customer_not_found 404",),
    example={"vat_number": "IT12345640962"},
)
def bill_customer(request: Request, customer_id: str, body: NewBilling) -> BillingAnswer:
    """Say which tax numbers a customer has, and link the clients that have them."""
    from chalicelib.accounting import link_customer

    billing = link_customer.bill_customer(request.unit, customer_id, body.vat_number, body.tax_code)
    return BillingAnswer(customer_id=customer_id, vat_number=billing.vat_number, tax_code=billing.tax_code)
