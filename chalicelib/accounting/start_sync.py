"""Beginning runs, and taking them on where they stopped."""

from typing import Literal

import msgspec

from chalicelib.accounting import account_store, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.errors import Overtaken
from chalicelib.accounting.record import RESOURCES, Resource
from chalicelib.accounting.record_jobs import StartSync, SyncStep
from chalicelib.accounting.run import Kind, Run, begin_run
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory

BUSY_SECONDS = 60


class SyncRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to read: one resource or all, of the account with that id or legacy number, or (None) of all accounts."""

    account: str | None = None
    resource: Resource | Literal["all"] = "all"
    kind: Kind


def start_all(new_unit: UnitFactory, company_id: str, request: SyncRequest, clock: Clock) -> list[Run]:
    """A run of each resource that is asked for of an account, or of all accounts that are connected.

    Raises NotFound, and Conflict `fic_not_connected` for an account that was named and is not.
    """
    if request.account is None:
        accounts = [account for account in account_store.accounts(company_id) if account.usable]
    else:
        accounts = [account_store.get_account(company_id, request.account)]
        if not accounts[0].usable:
            raise Conflict("fic_not_connected", f"Connect {accounts[0].name} at Fatture in Cloud again.")
    resources = RESOURCES if request.resource == "all" else (request.resource,)
    return [start(new_unit, account, resource, request.kind, clock) for account in accounts for resource in resources]


def start(new_unit: UnitFactory, account: Account, resource: Resource, kind: Kind, clock: Clock) -> Run:
    """Begin a run, or join the one under way; one that failed or has stalled goes on where it stopped.

    Looking for changes needs a full run before it, and begins that one where there was none.
    """

    def attempt() -> Run:
        at = clock()
        last, mark = sync_store.find_run(account.company_id, account.id, resource, kind)
        if kind == "changes" and mark.synced_at is None and not (last and last.active):
            return start(new_unit, account, resource, "full", clock)
        if last and last.active and not last.stalled(at):
            return last
        unit = new_unit()
        if last and last.status != "done":
            run = last.taken_on(at)
            sync_store.save_run(unit, run, missing=sync_store.missing_of(last))
        else:
            run = begin_run(account, resource, kind, mark.synced_at, at)
            sync_store.save_run(unit, run, new=True)
        go_on(unit, run)
        unit.audit("fic.sync_started", account.id, (resource,), run=run.id, kind=kind)
        try:
            unit.commit(run)
        except Overtaken:
            raise Stale from None
        return run

    return until_committed(attempt)


def start_later(job: StartSync, context: JobContext) -> None:
    """Begin the runs, and take on full ones that failed or stalled. Postponed where `anew` and a run is under way."""
    account = account_store.get_account(job.company_id, job.account_id)
    if not account.usable:
        return
    begun = [start(context.unit, account, resource, job.kind, context.clock) for resource in job.resources]
    for run in sync_store.runs(account.company_id, [account.id]):
        if run.kind == "full" and (run.status == "failed" or run.stalled(context.clock())):
            start(context.unit, account, run.resource, "full", context.clock)
    if job.anew and any(run.step > 1 for run in begun):
        raise Postpone(BUSY_SECONDS, "a run is under way")


def go_on(unit: Unit, run: Run) -> None:
    """Leave the run's next step to a job, while there is one."""
    if run.active:
        unit.enqueue(
            SyncStep(
                company_id=run.company_id,
                account_id=run.account_id,
                resource=run.resource,
                kind=run.kind,
                run_id=run.id,
                step=run.step,
            )
        )
