"""The list of numbers that are not called; whoever owns one is called on none of their numbers."""

from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound
from chalicelib.core.phones import e164
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_one
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.people import store as people
from chalicelib.crm.people import write
from chalicelib.messaging import record_refusal
from chalicelib.messaging import store as messaging
from chalicelib.messaging.record_refusal import NewRefusal
from chalicelib.messaging.refusal import Refusal


def put(new_unit: UnitFactory, number: str, clock: Clock, *, texts: bool, reason: str) -> Refusal:
    """Put the number on the list, and mark the customers who have it; `texts`: they want no texts either."""
    new = NewRefusal(number=e164(number, None, "path.number"), calls=True, texts=texts, reason=reason)

    def mark(unit: Unit, refusal: Refusal) -> None:
        _mark_owners(unit, refusal.number, True, clock)

    return record_refusal.refuse(new_unit, new, clock, mark)


def remove(new_unit: UnitFactory, number: str, clock: Clock) -> None:
    """Take the number off the list, and the mark off its owners; a STOP that they texted stays.

    Raises NotFound when it is not on the list.
    """
    number = e164(number, None, "path.number")

    def attempt() -> None:
        unit = new_unit()
        refusal = messaging.find_refusal(unit.company_id, number)
        if refusal is None or not refusal.calls:
            raise NotFound("not_on_the_list", f"{number} is not on the list.")
        record_refusal.stage_calls_allowed(unit, refusal)
        _mark_owners(unit, number, False, clock)
        unit.commit()

    until_committed(attempt)


def _mark_owners(unit: Unit, number: str, do_not_call: bool, clock: Clock) -> None:
    row = fetch_one(contact_points.key(unit.company_id, "phone", number))
    for holder in contact_points.holders_of(row).all:
        owner = people.get_keyed(unit.company_id, holder.person_id)
        if not holder.claimed and owner.person.do_not_call != do_not_call:
            new = owner.person.marked(do_not_call, clock())
            write.save(unit, owner, new, write.read_holders(new))
