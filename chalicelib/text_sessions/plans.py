"""The plans a company sells."""

import msgspec

from chalicelib.booking.practice.hours import check_zone
from chalicelib.core.clock import Clock
from chalicelib.core.errors import invalid
from chalicelib.core.ids import new_id
from chalicelib.core.people import clean_name
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import store
from chalicelib.text_sessions.plan import Plan, Terms


class PlanDetails(msgspec.Struct, frozen=True):
    """What a company says of a plan, as in Plan."""

    name: str
    terms: Terms
    price: int | None = None
    currency: str | None = None


def create(unit: Unit, details: PlanDetails, clock: Clock) -> Plan:
    """Add a plan; raises Invalid for a bad name, an unknown zone, or a price without a currency."""
    _check(details)
    at = clock()
    plan = Plan(
        id=new_id("pln"),
        company_id=unit.company_id,
        name=clean_name(details.name, "body.name"),
        terms=details.terms,
        price=details.price,
        currency=details.currency,
        created_at=at,
        updated_at=at,
    )
    store.add_plan(unit, plan)
    unit.audit("plan.created", plan.id, ("name", "terms", "price"))
    unit.commit(plan)
    return plan


def change(unit: Unit, plan_id: str, details: PlanDetails, clock: Clock) -> Plan:
    """Replace what the plan says; subscriptions keep the terms they were sold on. Raises NotFound, and as `create`."""
    _check(details)
    old = store.get_plan(unit.company_id, plan_id)
    name = clean_name(details.name, "body.name")
    plan = old.changed(clock(), name=name, terms=details.terms, price=details.price, currency=details.currency)
    store.save_plan(unit, plan)
    unit.audit("plan.changed", plan.id, ("name", "terms", "price"))
    unit.commit(plan)
    return plan


def delete(unit: Unit, plan_id: str, clock: Clock) -> None:
    """Sell it no more; subscriptions on it go on. Raises NotFound."""
    at = clock()
    plan = store.get_plan(unit.company_id, plan_id).changed(at, deleted_at=at)
    store.save_plan(unit, plan)
    unit.audit("plan.deleted", plan.id)
    unit.commit()


def _check(details: PlanDetails) -> None:
    check_zone(details.terms.zone, "body.terms.zone")
    if (details.price is None) != (details.currency is None):
        missing = "currency" if details.currency is None else "price"
        raise invalid(f"body.{missing}", "required", "A price has a currency, and a currency a price.")
