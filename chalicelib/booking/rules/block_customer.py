"""Blocking and unblocking customers: under id, phone and e-mail, so that a booking need follow nothing."""

from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.blocklist import Block
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import UnitFactory
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person


def block(new_unit: UnitFactory, company_id: str, customer_id: str | None, contact: Contact, reason: str) -> Block:
    """Block a customer by id, or by phone or e-mail whether or not there is a customer of that number yet.

    What the customer's record says besides is blocked along, unless they share it: their family can go on booking.
    Blocking someone again changes nothing. Raises Invalid when nothing names them, NotFound, and Conflict
    `blocked_in_part` when two blocks would meet in one customer.
    """
    if not (customer_id or contact.phone or contact.email):
        raise invalid("body.customer_id", "required", "Give a customer, a phone number or an e-mail address.")
    if customer_id is None:
        customer_id = _only_holder(company_id, contact)
    customer = people.get(company_id, customer_id) if customer_id else None
    phone, email = _their_own(customer) if customer else (None, None)
    unit = new_unit()
    made = Block(
        id=new_id("blk"),
        customer_id=customer_id,
        phone=contact.phone or phone,
        email=contact.email or email,
        reason=reason,
        by=str(unit.actor),
        created_at=unit.clock(),
    )
    others = limit_store.blocks_at(company_id, made.known_by())
    if len(others) == 1:
        found = limit_store.find_block(company_id, next(iter(others)))
        if found and set(made.known_by()) <= set(found.known_by()):
            return found
    if others:
        raise Conflict("blocked_in_part", "Another block names this customer in part; remove it first.")
    limit_store.save_block(unit, made)
    unit.audit("customer.blocked", made.id, ("customer_id", "phone", "email"), customer=customer_id or "")
    unit.commit(made)
    return made


def _only_holder(company_id: str, contact: Contact) -> str | None:
    """The customer who alone has all of these contact points; one request."""
    rows = fetch_map(contact_points.keys(company_id, contact))
    ids = {one.person_id for row in rows.values() for one in contact_points.holders_of(row).all if not one.claimed}
    return ids.pop() if len(ids) == 1 else None


def _their_own(customer: Person) -> tuple[str | None, str | None]:
    """Their phone number and e-mail address, each None where others have it too; one request."""
    contact = customer.contact()
    at = dict(zip(contact.points, contact_points.keys(customer.company_id, contact), strict=True))
    rows = fetch_map(at.values())
    shared = {
        kind
        for (kind, _), key in at.items()
        if any(one.person_id != customer.id and not one.claimed for one in contact_points.holders_of(rows[key]).all)
    }
    return (None if "phone" in shared else contact.phone), (None if "email" in shared else contact.email)


def unblock(new_unit: UnitFactory, company_id: str, block_id: str) -> None:
    """Let them book again; raises NotFound."""
    found = limit_store.get_block(company_id, block_id)
    unit = new_unit()
    limit_store.remove_block(unit, found, limit_store.BLOCKS.missing(block_id))
    unit.audit("customer.unblocked", found.id, customer=found.customer_id or "")
    unit.commit()
