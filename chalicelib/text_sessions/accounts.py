"""Writing an account: the subscription, its new ledger entries, and what others are told of them."""

from datetime import datetime

from chalicelib.core.unit import Unit
from chalicelib.text_sessions import store
from chalicelib.text_sessions.events import BalanceCorrected, SubscriptionExpired, SubscriptionRenewed
from chalicelib.text_sessions.subscription import Account


def stage(unit: Unit, before: Account, account: Account, at: datetime) -> Account:
    """Write it as its next version; returns it as it will be stored, without entries to write."""
    subscription = account.subscription
    who = {"subscription_id": subscription.id, "patient_id": subscription.patient_id}
    for entry in account.entries:
        if entry.reason == "renewal":
            unit.publish(SubscriptionRenewed(**who))
        elif entry.reason in ("grant", "adjustment"):
            unit.publish(BalanceCorrected(**who, amount=entry.amount, reason=entry.reason))
    if account.subscription.status == "expired" and before.subscription.status == "active":
        unit.publish(SubscriptionExpired(**who))
    # What a session moves is audited with the session, and stands in the ledger.
    if any(entry.session_id is None for entry in account.entries) or not account.entries:
        causes = " ".join(entry.cause for entry in account.entries)
        unit.audit("subscription.changed", subscription.id, ("sessions_remaining", "status", "renews"), causes=causes)
    return store.save_account(unit, account, at)
