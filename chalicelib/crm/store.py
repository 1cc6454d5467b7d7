"""Customers in DynamoDB."""

from collections.abc import Sequence
from typing import Any

from chalicelib.core.clock import stamp
from chalicelib.core.errors import NotFound
from chalicelib.core.pages import NEWEST_FIRST, Listing, Page, page
from chalicelib.core.tables import Key, encode, fetch_one
from chalicelib.core.unit import Unit
from chalicelib.crm.customer import Contact, Customer
from chalicelib.crm.tables import CrmRow

BY_COMPANY = Listing(CrmRow, "by_company", "company_id", "created_at")


def key(company_id: str, customer_id: str) -> Key:
    """The address of a customer, for a fetch together with other records."""
    return Key(CrmRow, f"{company_id}#{customer_id}", "customer")


def customer_of(row: Any) -> Customer | None:
    """The customer in a fetched row."""
    return row.model(Customer) if row is not None else None


def get_customer(company_id: str, customer_id: str) -> Customer:
    """One request; raises NotFound, also for a customer of another company."""
    found = find_customer(company_id, customer_id)
    if found is None:
        raise NotFound("customer_not_found", f"There is no customer {customer_id}.")
    return found


def find_customer(company_id: str, customer_id: str) -> Customer | None:
    """One request."""
    return customer_of(fetch_one(key(company_id, customer_id)))


def contact_keys(company_id: str, contact: Contact) -> list[Key]:
    """Where a customer with this phone or this e-mail would be found; phone first."""
    kinds = (("phone", contact.phone), ("email", contact.email))
    return [Key(CrmRow, f"{company_id}#{kind}#{value}", "customer") for kind, value in kinds if value]


def owner_of(rows: Sequence[Any]) -> str | None:
    """The id of the customer that the rows at `contact_keys` name: the phone's before the e-mail's."""
    return next((str(row.customer_id) for row in rows if row is not None), None)


def add_customer(unit: Unit, customer: Customer) -> None:
    """Add it and claim its phone and e-mail; the unit ends as Stale when someone else took one meanwhile."""
    for at in contact_keys(customer.company_id, Contact(phone=customer.phone, email=customer.email)):
        unit.add(CrmRow(at.pk, at.sk, customer_id=customer.id))
    at = key(customer.company_id, customer.id)
    unit.add(
        CrmRow(
            at.pk,
            at.sk,
            company_id=customer.company_id,
            created_at=f"{stamp(customer.created_at)}#{customer.id}",
            version=customer.version,
            data=encode(customer),
        )
    )


def save_customer(unit: Unit, customer: Customer) -> None:
    """Write its next version (not its phone or e-mail); the unit ends as Stale when someone else was faster."""
    at = key(customer.company_id, customer.id)
    changes = [CrmRow.data.set(encode(customer)), CrmRow.version.set(customer.version)]
    unit.update(CrmRow(at.pk, at.sk), changes, CrmRow.version == customer.version - 1)


def page_customers(company_id: str, limit: int, cursor: str | None) -> Page[Customer]:
    """The newest first."""
    found = page(BY_COMPANY, company_id, limit=limit, cursor=cursor, selection=NEWEST_FIRST)
    return found.map(lambda row: row.model(Customer))
