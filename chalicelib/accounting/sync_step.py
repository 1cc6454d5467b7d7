"""The steps of a run, one job each: reading a page, comparing, verifying."""

from collections.abc import Callable
from datetime import datetime
from itertools import islice

from chalicelib.accounting import account_store, record_store, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.errors import Overtaken
from chalicelib.accounting.leased_client import leased_client
from chalicelib.accounting.record import Reading, Resource, read, resource_of
from chalicelib.accounting.record_jobs import LinkClients, SyncStep
from chalicelib.accounting.run import Run
from chalicelib.accounting.start_sync import go_on
from chalicelib.accounting.upsert import UpsertCounts, VendorSnapshot, write
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, RateLimited, Stale
from chalicelib.core.jobs import FOR_GOOD, CannotSucceed, JobContext
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.vendors.fattureincloud.client import LARGEST_PAGE, FattureInCloud

MOST_MISSING = 5000
"""As many ids are noted down at once to be verified; 40 kB."""
VERIFIED_AT_ONCE = 10
"""Calls of FIC's API in one job: several jobs share a worker's two minutes."""


def step(job: SyncStep, context: JobContext) -> None:
    """Do one step, unless it was done already."""
    run, _ = sync_store.find_run(job.company_id, job.account_id, job.resource, job.kind)
    if run is None or run.id != job.run_id or run.step != job.step or run.status == "done":
        return
    try:
        STAGES[run.stage](run, context.unit, context.clock)
    except Overtaken:
        log.info("step done by another worker", extra={"run": run.id, "step": run.step})
    except RateLimited:
        raise
    except Conflict as error:
        if isinstance(error, Stale):
            raise
        _fail(run, error.code, context.unit, context.clock())
        raise CannotSucceed(str(error)) from error
    except Exception as error:
        if context.last or isinstance(error, FOR_GOOD):
            reason = error.code if isinstance(error, DomainError) else type(error).__name__
            _fail(run, reason, context.unit, context.clock())
        raise


def _fail(run: Run, reason: str, new_unit: UnitFactory, at: datetime) -> None:
    """Say so on the run: nothing takes it on by itself now."""
    unit = new_unit()
    sync_store.save_run(unit, run.failed(reason, at), missing=sync_store.missing_of(run))
    unit.audit("fic.sync_failed", run.account_id, (run.resource,), run=run.id, reason=reason)
    try:
        unit.commit()
    except Overtaken:
        log.info("run went on elsewhere", extra={"run": run.id})


def _page(run: Run, new_unit: UnitFactory, clock: Clock) -> None:
    account = account_store.get_account(run.company_id, run.account_id)
    with leased_client(run.company_id, account, new_unit, clock) as fic:
        at = clock()
        since = run.since if run.stage == "changed" else None
        page = fic.page(account.fic_company_id, run.resource, run.page, updated_since=since, per_page=LARGEST_PAGE)
    readings = _readings(run, page.items, at)

    def finish(unit: Unit, counts: UpsertCounts) -> None:
        after = run.after_page(len(page.items), page.last_page, page.total, counts.written, clock())
        if run.kind == "full":
            sync_store.note_seen(unit, run, (reading.record.id for reading in readings))
        _link(unit, run, counts)
        sync_store.save_run(unit, after)
        go_on(unit, after)

    write(_snapshot(run, readings), new_unit, finish)


def _readings(run: Run, sent: tuple[dict[str, object], ...], at: datetime) -> list[Reading]:
    found = [read(run.company_id, run.account_id, run.resource, each, at) for each in sent]
    unusable = found.count(None)
    if unusable:
        log.warning("records without a usable id", extra={"records": unusable, "resource": run.resource})
    return [reading for reading in found if reading]


def _compare(run: Run, new_unit: UnitFactory, clock: Clock) -> None:
    """Note down what is here and was not in the list."""
    seen = sync_store.seen(run)
    here = record_store.ids_of(run.company_id, run.account_id, run.resource)
    missing = list(islice((number for number in here if number not in seen), MOST_MISSING))
    unit = new_unit()
    after = run.compared(len(missing), len(missing) == MOST_MISSING, clock())
    sync_store.save_run(unit, after, missing=missing)
    go_on(unit, after)
    unit.commit()


def _verify(run: Run, new_unit: UnitFactory, clock: Clock) -> None:
    """Ask for some of them: what FIC still has was only passed over, what it has not is deleted."""
    account = account_store.get_account(run.company_id, run.account_id)
    missing = sync_store.missing_of(run)
    ids, left = missing[:VERIFIED_AT_ONCE], missing[VERIFIED_AT_ONCE:]
    with leased_client(run.company_id, account, new_unit, clock, calls=len(ids)) as fic:
        snapshot = fetch_records(fic, account, run.resource, ids, clock)

    def finish(unit: Unit, counts: UpsertCounts) -> None:
        after = run.verified(len(ids), counts.written, counts.deleted, clock())
        sync_store.note_seen(unit, run, ids)
        _link(unit, run, counts)
        sync_store.save_run(unit, after, missing=left)
        go_on(unit, after)

    write(snapshot, new_unit, finish)


STAGES: dict[str, Callable[[Run, UnitFactory, Clock], None]] = {
    "all": _page,
    "changed": _page,
    "compare": _compare,
    "verify": _verify,
}


def fetch_records(
    fic: FattureInCloud, account: Account, resource: Resource, ids: tuple[int, ...], clock: Clock
) -> VendorSnapshot:
    """What FIC says of each of these; the caller has leased a call for each."""
    readings: list[Reading] = []
    gone: list[int] = []
    at = clock()
    for number in ids:
        requested_at = clock()
        sent = fic.fetch(account.fic_company_id, resource, number)
        # A document may be found although it is of another kind by now: then it is none of these any more.
        same = sent is not None and resource_of(sent, resource) == resource
        found = read(account.company_id, account.id, resource, {"id": number, **(sent or {})}, requested_at)
        if same and found and found.record.id == number:
            readings.append(found)
        else:
            gone.append(number)
    return VendorSnapshot(account.company_id, account.id, resource, readings, gone, at)


def _snapshot(run: Run, readings: list[Reading]) -> VendorSnapshot:
    return VendorSnapshot(run.company_id, run.account_id, run.resource, readings)


def _link(unit: Unit, run: Run, counts: UpsertCounts) -> None:
    if counts.unlinked:
        clients = tuple(counts.unlinked)
        unit.enqueue(LinkClients(company_id=run.company_id, account_id=run.account_id, clients=clients))
