"""Subscriptions at Fatture in Cloud: what is wanted is kept here, and FIC is brought in line with it every day."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

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
from chalicelib.core.settings import settings
from chalicelib.core.unit import UnitFactory
from chalicelib.vendors.fattureincloud import FattureInCloud

TRIES = 5
CALLS = 4
"""To list, to subscribe, and two to end or verify."""
VERIFY_AGAIN = timedelta(minutes=11)
"""FIC verifies once in ten minutes, five times in all."""


def subscribe(
    make: UnitFactory, account: Account, group: Group, types: Sequence[str], sink: str | None, clock: Clock
) -> Subscription:
    """Want these types (none: all of the group) told to `sink` (none: our own address), and let FIC know.

    Raises Invalid naming the field, and what FIC raises; what is wanted stands even then, and the daily check asks on.
    """
    url = _checked_sink(sink, account.id, group)
    known = TYPES[group]
    unknown = [name for name in types if name not in known]
    if unknown:
        raise invalid("body.event_types", "unknown_event_type", f"{unknown[0]} is not one of {', '.join(known)}.")
    for _ in range(TRIES):
        unit = make()
        old = subscription_store.find_subscription(account.company_id, account.id, group)
        chosen = tuple(name for name in known if name in types) or known
        if old:
            wanted = old.changed(types=chosen, sink=url)
        else:
            wanted = Subscription(
                company_id=account.company_id,
                account_id=account.id,
                group=group,
                types=chosen,
                sink=url,
                created_at=clock(),
            )
        subscription_store.save_subscription(unit, wanted)
        unit.audit("fic.subscribed", account.id, (group,))
        try:
            unit.commit(wanted)
        except Stale:
            continue
        return mend(make, account, wanted, clock, replaced=old.sink if old and old.sink != url else None)
    raise Stale


def unsubscribe(make: UnitFactory, company_id: str, subscription_id: str, clock: Clock) -> None:
    """End it at FIC, then forget it; raises NotFound, and what FIC raises. Unconnected, it is only forgotten."""
    found = subscription_store.get_subscription(company_id, subscription_id)
    account = account_store.get_account(company_id, found.account_id, deleted=True)
    if account.usable:
        with leased_client(company_id, account, make, clock, calls=CALLS) as fic:
            for seen in _seen(fic, account):
                if seen.sink == found.sink:
                    fic.delete_subscription(account.fic_company_id, seen.id)
    unit = make()
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
    account: Account, subscription: Subscription, make: UnitFactory, clock: Clock
) -> tuple[State, Difference]:
    """What `mend` would do."""
    with leased_client(account.company_id, account, make, clock) as fic:
        return compare(subscription, _seen(fic, account))


def mend(
    make: UnitFactory, account: Account, subscription: Subscription, clock: Clock, replaced: str | None = None
) -> Subscription:
    """Bring FIC in line, and note how it was found. `replaced`: an address of ours that it shall no longer send to."""
    with leased_client(account.company_id, account, make, clock, calls=CALLS) as fic:
        seen = _seen(fic, account)
        for each in seen:
            if each.sink == replaced:
                fic.delete_subscription(account.fic_company_id, each.id)
        state, wanted = compare(subscription, [each for each in seen if each.sink != replaced])
        for fic_id in wanted.end:
            fic.delete_subscription(account.fic_company_id, fic_id)
        types = list(wanted.subscribe) + _verify(fic, account, subscription, wanted, seen, clock)
        warnings: list[str] = []
        if types:
            _, warnings = fic.create_subscription(account.fic_company_id, subscription.sink, types)
        if types or wanted.end:
            seen = _seen(fic, account)
            state, _ = compare(subscription, seen)
    asked = clock() if wanted.verify or types else subscription.verify_asked_at
    mine = tuple(each.id for each in seen if each.sink == subscription.sink)
    found = subscription.changed(
        state=state, fic_ids=mine, warnings=tuple(warnings)[:10], checked_at=clock(), verify_asked_at=asked
    )
    unit = make()
    subscription_store.save_subscription(unit, found)
    if state != subscription.state or types:
        unit.audit("fic.subscription_checked", account.id, (subscription.group,), state=state)
    try:
        unit.commit()
    except Stale:  # someone else has checked it, or wants something else by now
        log.info("subscription changed meanwhile", extra={"subscription": subscription.id})
    return found


def _verify(
    fic: FattureInCloud,
    account: Account,
    subscription: Subscription,
    wanted: Difference,
    seen: Sequence[Seen],
    clock: Clock,
) -> list[str]:
    """Let FIC try its handshake again; the types of what it will not try again, which has to be made anew."""
    last = subscription.verify_asked_at
    if last is not None and clock() - last < VERIFY_AGAIN:
        return []
    anew: list[str] = []
    for fic_id in wanted.verify:
        try:
            fic.verify_subscription(account.fic_company_id, fic_id)
        except VendorRefused as error:
            log.warning("verification refused", extra={"subscription": fic_id, "code": error.code})
            fic.delete_subscription(account.fic_company_id, fic_id)
            anew += [name for each in seen if each.id == fic_id for name in each.types if name in subscription.types]
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
