"""Finding the customer behind a contact, or adding one."""

from datetime import datetime

from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from chalicelib.crm import store
from chalicelib.crm.customer import Contact, Customer
from chalicelib.crm.events import CustomerCreated


def add_from_contact(
    unit: Unit, contact: Contact, source: str, at: datetime, customer_id: str | None = None
) -> Customer:
    """Stage a new customer in the unit; whoever has no name yet is called by number or address.

    `customer_id`: a new id, where it had to be known before.
    """
    customer = Customer(
        id=customer_id or new_id("cus"),
        company_id=unit.company_id,
        name=contact.name or contact.phone or contact.email or "Unknown",
        phone=contact.phone,
        email=contact.email,
        created_at=at,
        updated_at=at,
    )
    store.add_customer(unit, customer)
    unit.publish(CustomerCreated(customer_id=customer.id, source=source))
    unit.audit("customer.created", customer.id, ("name", "phone", "email"))
    return customer
