"""Blocking and unblocking customers: under id, phone and e-mail, so that a booking need follow nothing."""

from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.blocklist import Block
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch
from chalicelib.core.unit import UnitFactory
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact


def block(new_unit: UnitFactory, company_id: str, customer_id: str | None, contact: Contact, reason: str) -> Block:
    """Block a customer by id, or by phone or e-mail whether or not there is a customer of that number yet.

    What the customer's record says besides is blocked along. Blocking someone again changes nothing. Raises Invalid
    when nothing names them, NotFound, and Conflict `blocked_in_part` when two blocks would meet in one customer.
    """
    if not (customer_id or contact.phone or contact.email):
        raise invalid("body.customer_id", "required", "Give a customer, a phone number or an e-mail address.")
    if customer_id is None:
        customer_id = crm.owner_of(fetch(crm.contact_keys(company_id, contact)))
    customer = crm.get_customer(company_id, customer_id) if customer_id else None
    unit = new_unit()
    made = Block(
        id=new_id("blk"),
        customer_id=customer_id,
        phone=contact.phone or (customer.phone if customer else None),
        email=contact.email or (customer.email if customer else None),
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


def unblock(new_unit: UnitFactory, company_id: str, block_id: str) -> None:
    """Let them book again; raises NotFound."""
    found = limit_store.get_block(company_id, block_id)
    unit = new_unit()
    limit_store.remove_block(unit, found, limit_store.BLOCKS.missing(block_id))
    unit.audit("customer.unblocked", found.id, customer=found.customer_id or "")
    unit.commit()
