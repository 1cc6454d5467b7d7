"""Beginning runs, and taking them on where they stopped."""

from typing import Literal

from chalicelib.accounting import account_store, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.record import RESOURCES, Resource
from chalicelib.accounting.record_jobs import StartSync, SyncStep
from chalicelib.accounting.run import Kind, Run, begin_run
from chalicelib.accounting.sync_store import Overtaken
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.unit import Unit, UnitFactory

TRIES = 5
BUSY_SECONDS = 60


def start_all(
    make: UnitFactory, company_id: str, ref: str | None, wanted: Resource | Literal["all"], kind: Kind, clock: Clock
) -> list[Run]:
    """A run of each wanted resource of an account, or of all accounts that are connected.

    Raises NotFound, and Conflict `fic_not_connected` for an account that was named and is not.
    """
    if ref is None:
        accounts = [account for account in account_store.accounts(company_id) if account.usable]
    else:
        accounts = [account_store.get_account(company_id, ref)]
        if not accounts[0].usable:
            raise Conflict("fic_not_connected", f"Connect {accounts[0].name} at Fatture in Cloud again.")
    resources = RESOURCES if wanted == "all" else (wanted,)
    return [start(make, account, resource, kind, clock) for account in accounts for resource in resources]


def start(make: UnitFactory, account: Account, resource: Resource, kind: Kind, clock: Clock) -> Run:
    """Begin a run, or join the one under way; one that failed or has stalled goes on where it stopped.

    Looking for changes needs a full run before it, and begins that one where there was none.
    """
    for _ in range(TRIES):
        at = clock()
        last, mark = sync_store.find_run(account.company_id, account.id, resource, kind)
        if kind == "changes" and mark.synced_at is None and not (last and last.active):
            return start(make, account, resource, "full", clock)
        if last and last.active and not last.stalled(at):
            return last
        unit = make()
        if last and last.status != "done":
            run = last.taken_on(at)
            sync_store.save_run(unit, run, missing=sync_store.missing_of(last))
        else:
            run = begin_run(new_id("run"), account.company_id, account.id, resource, kind, mark.synced_at, at)
            sync_store.save_run(unit, run, new=True)
        go_on(unit, run)
        unit.audit("fic.sync_started", account.id, (resource,), run=run.id, kind=kind)
        try:
            unit.commit(run)
            return run
        except Overtaken:
            continue
    raise Stale


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
