"""`pilot fic`: reading everything from Fatture in Cloud, its subscriptions, and whether all is well."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from chalicelib.accounting import account_store, health, start_sync, subscription_store, subscription_sync, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.health import Health
from chalicelib.accounting.record import RESOURCES, Resource
from chalicelib.accounting.run import Kind, Run
from chalicelib.accounting.start_sync import SyncRequest
from chalicelib.cli.output import Failed, bad, cell, console, finish, note, notes, print_json, print_table
from chalicelib.cli.queues import OPERATOR, status_of
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.cli.work import adopt_worker
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

LOOK_EVERY_SECONDS = 0.5
RUNS = {
    "account": "Account",
    "resource": "Resource",
    "kind": "Kind",
    "status": "Status",
    "done": "Read",
    "total": "Of",
    "written": "New or changed",
    "deleted": "Deleted",
    "rate": "Per second",
    "failure": "Failure",
}
HEALTH = {
    "account": "Account",
    "resource": "Resource",
    "records": "Records",
    "synced_at": "Changes read until",
    "full_at": "Everything read",
    "run": "Run",
}
DIFFERENCES = {
    "account": "Account",
    "group": "Group",
    "state": "At FIC",
    "subscribe": "To subscribe",
    "verify": "To verify",
    "end": "To end",
}
Resources = Literal["all", "clients", "suppliers", "invoices", "quotes"]
one_account = click.option("--account-id", help="Only this account (our id or its old number).")
LANE = "sync.fic"
"""On which the books are kept in step."""


@click.group()
def fic() -> None:
    """Fatture in Cloud: the books kept in step with it."""


@fic.command()
@click.argument("resource", type=click.Choice(["all", *RESOURCES]))
@one_account
@click.option("--changes", is_flag=True, help="Only what has changed since the last time.")
@click.option("--wait/--no-wait", default=True, help="Watch until it is done; Ctrl-C only ends the watching.")
@on_stage
def sync(stage: Stage, resource: Resources, account_id: str | None, changes: bool, wait: bool) -> None:
    """Read clients, suppliers, invoices, quotes, or all of them. What stopped goes on where it stopped."""
    stage.connect()
    kind: Kind = "changes" if changes else "full"
    accounts = [account for account in _accounts(account_id) if account_id or account.usable]
    if not accounts:
        raise Failed("No account of Fatture in Cloud is connected: GET /api/fic/accounts/connect begins that.")
    runs = [run for account in accounts for run in _start(account, resource, kind)]
    if wait:
        runs = _watch(runs, {account.id: account.name for account in accounts})
    names = {account.id: account.name for account in accounts}
    rows = [_run_row(run, names) for run in runs]
    print_table(rows, RUNS, as_json=stage.as_json)
    finish(all(run.status != "failed" for run in runs))


def _start(account: Account, resource: Resources, kind: Kind) -> list[Run]:
    request = SyncRequest(account=account.id, resource=resource, kind=kind)
    return start_sync.start_all(lambda: Unit(account.company_id, OPERATOR), account.company_id, request, now)


def _watch(runs: list[Run], names: dict[str, str]) -> list[Run]:
    """Follow the runs until each has ended; returns them as they ended."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}/s"))
    ended: dict[str, Run] = {}
    with Progress(*columns, TimeRemainingColumn(), console=notes, disable=not notes.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}
        for run in runs:
            what = f"{names[run.account_id]}: {run.resource}"
            tasks[run.id] = bars.add_task(what, total=run.total, completed=run.done, rate=0)
        while True:
            for run in _again([run for run in runs if run.id not in ended]):
                bars.update(tasks[run.id], total=run.total, completed=run.done, rate=round(run.rate()))
                if not run.active:
                    ended[run.id] = run
            if len(ended) == len(runs):
                return [ended[run.id] for run in runs]
            time.sleep(LOOK_EVERY_SECONDS)


def _again(runs: list[Run]) -> Iterator[Run]:
    """Each as it is now. A run that another has followed has ended."""
    for run in runs:
        newest, _ = sync_store.find_run(run.company_id, run.account_id, run.resource, run.kind)
        yield newest if newest and newest.id == run.id else msgspec.structs.replace(run, status="done")


def _run_row(run: Run, names: dict[str, str]) -> dict[str, Any]:
    shown = {name: getattr(run, name) for name in RUNS if name not in ("account", "rate")}
    return {"account": names[run.account_id], **shown, "rate": round(run.rate(), 1), "id": run.id}


@fic.command("sync-subscriptions")
@one_account
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@on_stage
def sync_subscriptions(stage: Stage, account_id: str | None, dry_run: bool) -> None:
    """Compare the subscriptions with what Fatture in Cloud has, and bring it in line with them.

    Exit code 1 when something is still not verified afterwards.
    """
    stage.connect()
    adopt_worker(LANE, stage)
    rows = [
        row for account in _accounts(account_id) if account.usable for row in _differences(account, dry_run=dry_run)
    ]
    empty = "No subscriptions: POST /api/fic/subscriptions makes them."
    print_table(rows, DIFFERENCES, as_json=stage.as_json, empty=empty)
    if dry_run and any(row["subscribe"] or row["verify"] or row["end"] for row in rows):
        note("Nothing was done: leave out --dry-run to do it.")
    finish(all(row["state"] == "verified" for row in rows))


def _differences(account: Account, *, dry_run: bool) -> Iterator[dict[str, Any]]:
    def new_unit() -> Unit:
        return Unit(account.company_id, OPERATOR)

    for subscription in subscription_store.subscriptions(account.company_id, [account.id]):
        state, found = subscription_sync.difference(account, subscription, new_unit, now)
        if found and not dry_run:
            state = subscription_sync.mend(new_unit, account, subscription, now).state
        yield {
            "account": account.name,
            "group": subscription.group,
            "state": state,
            "subscribe": _short(found.subscribe),
            "verify": ", ".join(found.verify),
            "end": ", ".join(found.end),
        }


def _short(types: tuple[str, ...]) -> str:
    return ", ".join(".".join(name.split(".")[-2:]) for name in types)


@fic.command()
@one_account
@on_stage
def status(stage: Stage, account_id: str | None) -> None:
    """Counts, last sync, subscriptions, events, requests left; exit code 1 when something needs a hand."""
    stage.connect()
    accounts = _accounts(account_id)
    ids = {account.id for account in accounts}
    found = [
        one
        for company_id in dict.fromkeys(account.company_id for account in accounts)
        for one in health.of_company(company_id, now)
        if one.account.id in ids
    ]
    queue = status_of(LANE)
    concerns = [f"{one.account.name}: {concern}" for one in found for concern in one.concerns]
    if queue["failed_jobs"] or queue["dead_letters"]:
        concerns.append(f"{queue['failed_jobs']} jobs of the lane {LANE} failed: `pilot queue failed --queue {LANE}`")
    if not found:
        concerns.append("no account of Fatture in Cloud is connected: GET /api/fic/accounts/connect begins that")
    if stage.as_json:
        print_json({"accounts": [_as_json(one) for one in found], "queue": queue, "concerns": concerns})
    else:
        _show(found, queue, concerns)
    finish(not concerns)


def _as_json(one: Health) -> dict[str, Any]:
    return {
        "account_id": one.account.id,
        "name": one.account.name,
        "status": one.account.status,
        "counts": one.counts,
        "synced_at": {resource: mark.synced_at for resource, mark in one.marks.items()},
        "full_at": {resource: mark.full_at for resource, mark in one.marks.items()},
        "runs": {f"{run.resource} {run.kind}": run.status for run in one.runs},
        "subscriptions": {sub.group: sub.state for sub in one.subscriptions},
        "requests_left": one.calls_left,
        "events": one.events,
        "waiting_events": one.waiting_events,
        "seconds_per_event": one.seconds,
        "concerns": one.concerns,
    }


def _show(found: list[Health], queue: dict[str, Any], concerns: list[str]) -> None:
    print_table([_row(one, resource) for one in found for resource in RESOURCES], HEALTH, empty="No accounts.")
    for one in found:
        subscribed = ", ".join(f"{sub.group} {sub.state}" for sub in one.subscriptions) or "no subscriptions"
        events = f"{one.events} events of late, {one.waiting_events} waiting"
        took = f", {one.seconds} s each" if one.seconds is not None else ""
        console.print(f"{one.account.name}: {subscribed}; {events}{took}; {one.calls_left} requests left")
    left = queue["waiting"] + queue["delayed"] + queue["in_flight"]
    console.print(f"Lane {LANE}: {left} jobs, {queue['failed_jobs']} failed")
    for concern in concerns:
        console.print(Text("✗ ", style="bold red") + Text(concern))
    if not concerns:
        console.print(Text("✓ All is well.", style="green"))


def _row(one: Health, resource: Resource) -> dict[str, Any]:
    mark = one.marks[resource]
    runs = [run for run in one.runs if run.resource == resource and run.status != "done"]
    said = ", ".join(f"{run.kind} {run.status}" for run in runs)
    return {
        "account": one.account.name,
        "resource": resource,
        "records": one.counts[resource],
        "synced_at": _minute(mark.synced_at),
        "full_at": _minute(mark.full_at),
        "run": bad(said) if any(run.status == "failed" for run in runs) else cell(said),
    }


def _minute(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%MZ") if at else ""


def _accounts(ref: str | None) -> list[Account]:
    """The named account, or those of every company; raises Failed."""
    if ref is None:
        return [account for company in companies() for account in account_store.accounts(company.id)]
    owner = account_store.whose(ref)
    if owner is None:
        raise Failed(f"There is no Fatture in Cloud account {ref}.")
    return [account_store.get_account(*owner)]
