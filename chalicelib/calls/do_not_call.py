"""The list of numbers that are not called; whoever owns one, is called on none of his numbers."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound, Stale
from chalicelib.core.phones import e164
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer
from chalicelib.messaging import record_refusal
from chalicelib.messaging import store as messaging
from chalicelib.messaging.refusal import Refusal

TRIES = 5


def put(new_unit: UnitFactory, company_id: str, number: str, *, texts: bool, reason: str, clock: Clock) -> Refusal:
    """Put the number on the list, and mark the customer who has it; `texts`: he wants no texts either."""
    number = e164(number, None, "path.number")

    def mark(unit: Unit) -> None:
        owner = _owner(company_id, number)
        if owner and not owner.do_not_call:
            crm.save_customer(unit, owner.marked(True, clock()))
            unit.audit("customer.marked", owner.id, ("do_not_call",))

    return record_refusal.refuse(new_unit, number, clock, calls=True, texts=texts, reason=reason, hook=mark)


def remove(new_unit: UnitFactory, company_id: str, number: str, clock: Clock) -> None:
    """Take the number off the list, and the mark off its owner; a STOP that he texted stays.

    Raises NotFound when it is not on the list.
    """
    number = e164(number, None, "path.number")
    for _ in range(TRIES):
        refusal = messaging.find_refusal(company_id, number)
        if refusal is None or not refusal.calls:
            raise NotFound("not_on_the_list", f"{number} is not on the list.")
        unit = new_unit()
        record_refusal.stage_calls_allowed(unit, refusal)
        owner = _owner(company_id, number)
        if owner and owner.do_not_call:
            crm.save_customer(unit, owner.marked(False, clock()))
            unit.audit("customer.marked", owner.id, ("do_not_call",))
        try:
            unit.commit()
            return
        except Stale:
            continue
    raise Stale


def _owner(company_id: str, number: str) -> Customer | None:
    found = crm.owner_of(fetch(crm.contact_keys(company_id, Contact(phone=number))))
    return crm.find_customer(company_id, found) if found else None
