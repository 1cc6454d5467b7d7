"""Subscriptions: selling one, granting and correcting by hand, renewing and expiring by the clock."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import store as crm
from chalicelib.text_sessions import accounts, store
from chalicelib.text_sessions.events import SubscriptionStarted
from chalicelib.text_sessions.subscription import Account, Subscription

TRIES = 12
MOST_PER_SHARD = 500
KEYED = "#key#"


def subscribe(unit: Unit, patient_id: str, plan_id: str, *, renews: bool, clock: Clock) -> Subscription:
    """Sell the plan to the patient, who gets the first period's sessions at once.

    Raises NotFound for a customer or plan that is not there, Conflict `subscription_exists` while another is active.
    """
    at = clock()
    plan = store.get_plan(unit.company_id, plan_id)
    crm.get_customer(unit.company_id, patient_id)
    former = _out_of_the_way(unit, patient_id, at)
    first_day = plan.terms.first_day(at)
    subscription = Subscription(
        id=new_id("sub"),
        company_id=unit.company_id,
        patient_id=patient_id,
        plan_id=plan.id,
        terms=plan.terms,
        first_day=first_day,
        period_starts_at=at,
        period_ends_at=plan.terms.end_of(first_day, 0),
        renews=renews,
        created_at=at,
        updated_at=at,
    )
    account = Account(subscription).granted(plan.terms.sessions, "period#first", at)
    stored = store.add_subscription(unit, account, former).subscription
    unit.publish(SubscriptionStarted(subscription_id=stored.id, patient_id=patient_id, plan_id=plan.id))
    unit.audit("subscription.started", stored.id, ("plan", "renews"), plan=plan.id, patient=patient_id)
    unit.commit(stored)
    return stored


def _out_of_the_way(unit: Unit, patient_id: str, at: datetime) -> Subscription | None:
    former = store.find_current(unit.company_id, patient_id)
    if former is None:
        return None
    closed = Account(former).up_to(at)
    if closed.subscription.status == "active":
        raise Conflict(
            "subscription_exists",
            "This patient has another subscription; grant sessions on it, or let it expire first.",
            subscription_id=former.id,
        )
    if closed.subscription != former:
        accounts.stage(unit, Account(former), closed, at)
    return former


def grant(
    new_unit: UnitFactory, subscription_id: str, sessions: int, note: str, clock: Clock, key: str | None = None
) -> Subscription:
    """More sessions for the current period. `key`: the same one again changes nothing and is Conflict.

    Raises NotFound, Conflict `expired` and `done_before`.
    """

    def granted(account: Account, at: datetime) -> Account:
        return account.granted(sessions, _cause("grant", key), at, note)

    return _correct(new_unit, subscription_id, granted, clock)


def adjust(
    new_unit: UnitFactory, subscription_id: str, amount: int, note: str, clock: Clock, key: str | None = None
) -> Subscription:
    """Correct the balance by hand, up or down. `key` as in `grant`.

    Raises NotFound, Conflict `below_zero`, `expired` and `done_before`.
    """

    def adjusted(account: Account, at: datetime) -> Account:
        return account.adjusted(amount, _cause("adjustment", key), at, note)

    return _correct(new_unit, subscription_id, adjusted, clock)


def set_renewal(new_unit: UnitFactory, subscription_id: str, renews: bool, clock: Clock) -> Subscription:
    """Let another period follow the current one, or let it expire then. Raises NotFound, Conflict `expired`."""

    def set_so(account: Account, at: datetime) -> Account:
        return Account(msgspec.structs.replace(account.subscription, renews=renews), account.entries)

    return _correct(new_unit, subscription_id, set_so, clock)


def _correct(
    new_unit: UnitFactory, subscription_id: str, change: Callable[[Account, datetime], Account], clock: Clock
) -> Subscription:
    for _ in range(TRIES):
        unit, at = new_unit(), clock()
        before = store.get_account(unit.company_id, subscription_id)
        account = before.up_to(at)
        if account.subscription.status == "expired":
            raise Conflict("expired", "This subscription has expired; start another one.")
        account = change(account, at)
        causes = [entry.cause for entry in account.entries if KEYED in entry.cause]
        if causes and store.moved_before(unit.company_id, subscription_id, causes[0]):
            raise Conflict("done_before", "This was done before, under the same key.")
        stored = accounts.stage(unit, before, account, at).subscription
        try:
            unit.commit(stored)
            return stored
        except Stale:
            continue
    raise Unavailable("subscription_busy", "Too much is happening to this subscription; try again in a moment.")


def _cause(kind: str, key: str | None) -> str:
    return f"{kind}{KEYED}{key}" if key else f"{kind}#{new_id('led')}"


def close_periods(at: datetime, clock: Clock) -> int:
    """Renew or expire what has come to a period's end; returns how many. A failing one is passed over."""
    return sum(_close(found, clock) for n in range(store.SHARDS) for found in store.ending(n, at, MOST_PER_SHARD))


def _close(subscription: Subscription, clock: Clock) -> int:
    unit = Unit(subscription.company_id, clock=clock)
    at = clock()
    closed = Account(subscription).up_to(at)
    try:
        accounts.stage(unit, Account(subscription), closed, at)
        unit.commit()
    except Stale:
        return 0  # a session has just been charged, and has closed the period on the way
    except Exception:  # noqa: BLE001 - one subscription's fault does not keep the others' sessions back
        log.exception("period not closed", extra={"subscription_id": subscription.id})
        return 0
    return 1
