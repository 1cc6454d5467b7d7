"""Subscriptions: selling one, granting and correcting by hand, renewing and expiring by the clock."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.people import store as people
from chalicelib.text_sessions import accounts, store
from chalicelib.text_sessions.events import SubscriptionStarted
from chalicelib.text_sessions.subscription import Account, Subscription

MOST_PER_SHARD = 500
KEYED = "#key#"


def subscribe(unit: Unit, patient_id: str, plan_id: str, *, renews: bool, clock: Clock) -> Subscription:
    """Sell the plan to the patient, who gets the first period's sessions at once.

    Raises NotFound for a customer or plan that is not there, Conflict `subscription_exists` while another is active.
    """
    at = clock()
    plan = store.get_plan(unit.company_id, plan_id)
    people.get(unit.company_id, patient_id)
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


class Correction(msgspec.Struct, frozen=True):
    """By how many sessions, and why. `key`: the same one again changes nothing and is Conflict."""

    amount: int
    note: str
    key: str | None = None

    def cause(self, kind: str) -> str:
        """What the ledger knows it by."""
        return f"{kind}{KEYED}{self.key}" if self.key else f"{kind}#{new_id('led')}"


def grant(new_unit: UnitFactory, subscription_id: str, correction: Correction, clock: Clock) -> Subscription:
    """More sessions for the current period. Raises NotFound, Conflict `expired` and `done_before`."""

    def granted(account: Account, at: datetime) -> Account:
        return account.granted(correction.amount, correction.cause("grant"), at, correction.note)

    return _correct(new_unit, subscription_id, granted, clock)


def adjust(new_unit: UnitFactory, subscription_id: str, correction: Correction, clock: Clock) -> Subscription:
    """Correct the balance by hand, up or down. Raises NotFound, Conflict `below_zero`, `expired` and `done_before`."""

    def adjusted(account: Account, at: datetime) -> Account:
        return account.adjusted(correction.amount, correction.cause("adjustment"), at, correction.note)

    return _correct(new_unit, subscription_id, adjusted, clock)


def set_renewal(new_unit: UnitFactory, subscription_id: str, renews: bool, clock: Clock) -> Subscription:
    """Let another period follow the current one, or let it expire then. Raises NotFound, Conflict `expired`."""

    def set_so(account: Account, at: datetime) -> Account:
        return Account(msgspec.structs.replace(account.subscription, renews=renews), account.entries)

    return _correct(new_unit, subscription_id, set_so, clock)


def _correct(
    new_unit: UnitFactory, subscription_id: str, change: Callable[[Account, datetime], Account], clock: Clock
) -> Subscription:
    def attempt() -> Subscription:
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
        unit.commit(stored)
        return stored

    return until_committed(
        attempt, "subscription_busy", "Too much is happening to this subscription; try again in a moment."
    )


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
