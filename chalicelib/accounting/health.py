"""Whether an account's books are complete and stay so, and what needs a hand."""

from collections.abc import Iterator
from datetime import timedelta
from statistics import median

import msgspec

from chalicelib.accounting import account_store, event_store, record_store, subscription_store, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.event import GROUPS, Event
from chalicelib.accounting.leased_client import calls_left
from chalicelib.accounting.record import RESOURCES, Resource
from chalicelib.accounting.run import Run
from chalicelib.accounting.subscription import Subscription
from chalicelib.accounting.sync_store import Mark
from chalicelib.core.clock import Clock

LATE = timedelta(hours=3)
"""Changes are read every hour: after so long two of them have failed."""
UNANSWERED = timedelta(minutes=30)
EVENTS_LOOKED_AT = 100


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """An account as it is. `seconds`: how long events took to be stored, the middle one of the last hundred."""

    account: Account
    counts: dict[Resource, int]
    marks: dict[Resource, Mark]
    runs: list[Run]
    subscriptions: list[Subscription]
    calls_left: int
    events: int
    waiting_events: int
    seconds: float | None
    concerns: tuple[str, ...]


def of_company(company_id: str, clock: Clock) -> list[Health]:
    """Of each account that was not disconnected."""
    accounts = account_store.accounts(company_id)
    events = event_store.page_events(company_id, EVENTS_LOOKED_AT, None).data if accounts else []
    return [_of(account, [one for one in events if one.account_id == account.id], clock) for account in accounts]


def _of(account: Account, events: list[Event], clock: Clock) -> Health:
    counts: dict[Resource, int] = dict.fromkeys(RESOURCES, 0)
    for found in record_store.sums(account.company_id, account.id):
        counts[found.resource] += found.records
    marks = sync_store.marks(account.company_id, account.id)
    runs = sync_store.runs(account.company_id, [account.id])
    subscriptions = subscription_store.subscriptions(account.company_id, [account.id])
    left = calls_left(account, clock)
    took = [seconds for event in events if (seconds := event.seconds()) is not None]
    late = [e for e in events if e.outcome == "waiting" and e.received_at + UNANSWERED < clock()]
    concerns = [*_of_account(account), *_of_runs(marks, runs, clock), *_of_subscriptions(subscriptions)]
    if late:
        concerns.append(f"{len(late)} events wait longer than half an hour: see `pilot queue failed --queue sync`")
    if left == 0:
        concerns.append("no requests left just now: everything waits for Fatture in Cloud's quota")
    return Health(
        account=account,
        counts=counts,
        marks=marks,
        runs=runs,
        subscriptions=subscriptions,
        calls_left=left,
        events=len(events),
        waiting_events=sum(event.outcome == "waiting" for event in events),
        seconds=round(median(took), 2) if took else None,
        concerns=tuple(concerns),
    )


def _of_account(account: Account) -> Iterator[str]:
    if not account.usable:
        yield "not connected any more: connect it again with GET /api/fic/accounts/connect"


def _of_runs(marks: dict[Resource, Mark], runs: list[Run], clock: Clock) -> Iterator[str]:
    at = clock()
    active = {run.resource for run in runs if run.active and not run.stalled(at)}
    for run in runs:
        if run.status == "failed":
            yield f"{run.resource}: the last {run.kind} run failed ({run.failure}); `pilot fic sync {run.resource}`"
        elif run.stalled(at):
            yield f"{run.resource}: a {run.kind} run does not get on; `pilot fic sync {run.resource}` takes it on"
    for resource, mark in marks.items():
        if resource in active:
            continue
        if mark.synced_at is None:
            yield f"{resource}: never read; `pilot fic sync {resource}`"
        elif mark.synced_at + LATE < at:
            yield f"{resource}: changes were last read {at - mark.synced_at} ago; see `pilot schedules list`"


def _of_subscriptions(subscriptions: list[Subscription]) -> Iterator[str]:
    by_group = {one.group: one for one in subscriptions}
    for group in GROUPS:
        found = by_group.get(group)
        if found is None:
            yield f"no subscription to {group}: POST /api/fic/subscriptions"
        elif found.state != "verified":
            yield f"the subscription to {group} is {found.state}: `pilot fic sync-subscriptions`"
