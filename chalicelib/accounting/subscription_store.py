"""Subscriptions in DynamoDB."""

from collections.abc import Sequence

from chalicelib.accounting.event import GROUPS
from chalicelib.accounting.record_tables import SyncRow
from chalicelib.accounting.subscription import Subscription
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import Key, encode, fetch, fetch_one
from chalicelib.core.unit import Unit


def subscriptions(company_id: str, account_ids: Sequence[str]) -> list[Subscription]:
    """Those of the accounts; one request."""
    rows = fetch([_key(company_id, account_id, group) for account_id in account_ids for group in GROUPS])
    return [row.model(Subscription) for row in rows if row]


def find_subscription(company_id: str, account_id: str, group: str) -> Subscription | None:
    """One request."""
    row: SyncRow | None = fetch_one(_key(company_id, account_id, group))
    return row.model(Subscription) if row else None


def get_subscription(company_id: str, subscription_id: str) -> Subscription:
    """By our id; one request; raises NotFound."""
    account_id, _, group = subscription_id.rpartition(".")
    found = find_subscription(company_id, account_id, group) if account_id and group in GROUPS else None
    if found is None:
        raise NotFound("fic_subscription_not_found", f"There is no subscription {subscription_id}.")
    return found


def save_subscription(unit: Unit, subscription: Subscription) -> None:
    """Write its next version (the first: over nothing); the unit ends as Stale when someone else was faster."""
    key = _key(subscription.company_id, subscription.account_id, subscription.group)
    row = SyncRow(key.pk, key.sk, status=subscription.state, version=subscription.version, data=encode(subscription))
    before = SyncRow.version == subscription.version - 1
    unit.put(row, SyncRow.pk.does_not_exist() if subscription.version == 1 else before)


def remove_subscription(unit: Unit, subscription: Subscription) -> None:
    """Forget it."""
    key = _key(subscription.company_id, subscription.account_id, subscription.group)
    unit.delete(SyncRow(key.pk, key.sk))


def _key(company_id: str, account_id: str, group: str) -> Key:
    return Key(SyncRow, f"{company_id}#{account_id}#subscriptions", group)
