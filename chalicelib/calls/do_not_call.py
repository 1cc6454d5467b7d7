"""The list of numbers that are not called; whoever owns one is called on none of their numbers."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound
from chalicelib.core.phones import e164
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer
from chalicelib.messaging import record_refusal
from chalicelib.messaging import store as messaging
from chalicelib.messaging.record_refusal import NewRefusal
from chalicelib.messaging.refusal import Refusal


def put(new_unit: UnitFactory, number: str, clock: Clock, *, texts: bool, reason: str) -> Refusal:
    """Put the number on the list, and mark the customer who has it; `texts`: they want no texts either."""
    new = NewRefusal(number=e164(number, None, "path.number"), calls=True, texts=texts, reason=reason)

    def mark(unit: Unit, refusal: Refusal) -> None:
        owner = _owner(unit.company_id, refusal.number)
        if owner and not owner.do_not_call:
            crm.save_customer(unit, owner.marked(True, clock()))
            unit.audit("customer.marked", owner.id, ("do_not_call",))

    return record_refusal.refuse(new_unit, new, clock, mark)


def remove(new_unit: UnitFactory, number: str, clock: Clock) -> None:
    """Take the number off the list, and the mark off its owner; a STOP that they texted stays.

    Raises NotFound when it is not on the list.
    """
    number = e164(number, None, "path.number")

    def attempt() -> None:
        unit = new_unit()
        refusal = messaging.find_refusal(unit.company_id, number)
        if refusal is None or not refusal.calls:
            raise NotFound("not_on_the_list", f"{number} is not on the list.")
        record_refusal.stage_calls_allowed(unit, refusal)
        owner = _owner(unit.company_id, number)
        if owner and owner.do_not_call:
            crm.save_customer(unit, owner.marked(False, clock()))
            unit.audit("customer.marked", owner.id, ("do_not_call",))
        unit.commit()

    until_committed(attempt)


def _owner(company_id: str, number: str) -> Customer | None:
    found = crm.owner_of(fetch(crm.contact_keys(company_id, Contact(phone=number))))
    return crm.find_customer(company_id, found) if found else None
