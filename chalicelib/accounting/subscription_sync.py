"""Subscriptions at Fatture in Cloud: what is wanted is kept here, and FIC is brought in line with it every day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from chalicelib.accounting import account_store, subscription_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.event import Group
from chalicelib.accounting.leased_client import leased_client
from chalicelib.accounting.record_jobs import CheckSubscriptions
from chalicelib.accounting.subscription import TYPES, Difference, Seen, State, Subscription, compare, sink_of, sinks_of
from chalicelib.core import metrics
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale, VendorRefused, invalid
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.settings import settings
from chalicelib.core.unit import UnitFactory
from chalicelib.vendors.fattureincloud.client import FattureInCloud

CALLS = 4
"""To list, to subscribe, and two to end or verify."""
VERIFY_AGAIN = timedelta(minutes=11)
"""FIC verifies once in ten minutes, five times in all."""


class SubscriptionRequest(msgspec.Struct, frozen=True):
    """Types of a group (none: all of them) that are to be told to `sink` (None: our own address)."""

    group: Group
    types: Sequence[str] = ()
    sink: str | None = None


def subscribe(new_unit: UnitFactory, account: Account, request: SubscriptionRequest, clock: Clock) -> Subscription:
    """Note what is to be told, and let FIC know.

    Raises Invalid naming the field, and what FIC raises; what was noted stands even then, and the daily check asks on.
    """
    group = request.group
    url = _checked_sink(request.sink, account.id, group)
    known = TYPES[group]
    unknown = [name for name in request.types if name not in known]
    if unknown:
        raise invalid("body.event_types", "unknown_event_type", f"{unknown[0]} is not one of {', '.join(known)}.")
    chosen = tuple(name for name in known if name in request.types) or known

    def attempt() -> tuple[Subscription | None, Subscription]:
        unit = new_unit()
        old = subscription_store.find_subscription(account.company_id, account.id, group)
        if old:
            new = old.changed(types=chosen, sink=url)
        else:
            new = Subscription(
                company_id=account.company_id,
                account_id=account.id,
                group=group,
                types=chosen,
                sink=url,
                created_at=clock(),
            )
        subscription_store.save_subscription(unit, new)
        unit.audit("fic.subscribed", account.id, (group,))
        unit.commit(new)
        return old, new

    old, new = until_committed(attempt)
    return mend(new_unit, account, new, clock, replaced=old.sink if old and old.sink != url else None)


def unsubscribe(new_unit: UnitFactory, company_id: str, subscription_id: str, clock: Clock) -> None:
    """End it at FIC, then forget it; raises NotFound, and what FIC raises. Unconnected, it is only forgotten."""
    found = subscription_store.get_subscription(company_id, subscription_id)
    account = account_store.get_account(company_id, found.account_id, deleted=True)
    if account.usable:
        with leased_client(company_id, account, new_unit, clock, calls=CALLS) as fic:
            for seen in _seen(fic, account):
                if seen.sink == found.sink:
                    fic.delete_subscription(account.fic_company_id, seen.id)
    unit = new_unit()
    subscription_store.remove_subscription(unit, found)
    unit.audit("fic.unsubscribed", found.account_id, (found.group,))
    unit.commit()


def check(job: CheckSubscriptions, context: JobContext) -> None:
    """Mend what expired or was dropped, and warn of it."""
    account = account_store.get_account(job.company_id, job.account_id)
    if not account.usable:
        return
    for subscription in subscription_store.subscriptions(account.company_id, [account.id]):
        mended = mend(context.unit, account, subscription, context.clock)
        if mended.state != "verified":
            metrics.count("FicSubscriptionNotVerified", group=subscription.group)
            log.warning("subscription", extra={"subscription": subscription.id, "state": mended.state})


def difference(
    account: Account, subscription: Subscription, new_unit: UnitFactory, clock: Clock
) -> tuple[State, Difference]:
    """What `mend` would do."""
    with leased_client(account.company_id, account, new_unit, clock) as fic:
        return compare(subscription, _seen(fic, account))


def mend(
    new_unit: UnitFactory, account: Account, subscription: Subscription, clock: Clock, replaced: str | None = None
) -> Subscription:
    """Bring FIC in line, and note how it was found. `replaced`: an address of ours that it shall no longer send to."""
    with leased_client(account.company_id, account, new_unit, clock, calls=CALLS) as fic:
        seen = _seen(fic, account)
        for each in seen:
            if each.sink == replaced:
                fic.delete_subscription(account.fic_company_id, each.id)
        state, needed = compare(subscription, [each for each in seen if each.sink != replaced])
        for fic_id in needed.end:
            fic.delete_subscription(account.fic_company_id, fic_id)
        types = list(needed.subscribe)
        if _may_verify(subscription, clock()):
            types += _verify(fic, account, subscription, [each for each in seen if each.id in needed.verify])
        warnings: list[str] = []
        if types:
            _, warnings = fic.create_subscription(account.fic_company_id, subscription.sink, types)
        if types or needed.end:
            seen = _seen(fic, account)
            state, _ = compare(subscription, seen)
    requested_at = clock() if needed.verify or types else subscription.verify_requested_at
    mine = tuple(each.id for each in seen if each.sink == subscription.sink)
    found = subscription.changed(
        state=state, fic_ids=mine, warnings=tuple(warnings)[:10], checked_at=clock(), verify_requested_at=requested_at
    )
    unit = new_unit()
    subscription_store.save_subscription(unit, found)
    if state != subscription.state or types:
        unit.audit("fic.subscription_checked", account.id, (subscription.group,), state=state)
    try:
        unit.commit()
    except Stale:  # someone else has checked it, or wants something else by now
        log.info("subscription changed meanwhile", extra={"subscription": subscription.id})
    return found


def _may_verify(subscription: Subscription, at: datetime) -> bool:
    last = subscription.verify_requested_at
    return last is None or at - last >= VERIFY_AGAIN


def _verify(fic: FattureInCloud, account: Account, subscription: Subscription, unverified: Sequence[Seen]) -> list[str]:
    """Let FIC try its handshake again; the types of what it will not try again, which has to be made anew."""
    anew: list[str] = []
    for each in unverified:
        try:
            fic.verify_subscription(account.fic_company_id, each.id)
        except VendorRefused as error:
            log.warning("verification refused", extra={"subscription": each.id, "code": error.code})
            fic.delete_subscription(account.fic_company_id, each.id)
            anew += [name for name in each.types if name in subscription.types]
    return anew


def _seen(fic: FattureInCloud, account: Account) -> list[Seen]:
    return [
        Seen(id=each.id, sink=each.sink, types=each.types, verified=each.verified)
        for each in fic.subscriptions(account.fic_company_id)
    ]


def _checked_sink(sink: str | None, account_id: str, group: Group) -> str:
    if sink is None:
        return sink_of(settings().public_url, account_id, group)
    ours = tuple(urlsplit(each).path for each in sinks_of("", account_id, group))
    try:
        parts = urlsplit(sink)
    except ValueError:
        raise invalid("body.sink", "not_a_url", "This is not a URL.") from None
    local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
    if not ((parts.scheme == "https" or local) and parts.netloc and parts.path.endswith(ours)):
        raise invalid("body.sink", "bad_sink", f"A sink is https and leads here: its path ends with {ours[0]}.")
    return sink
