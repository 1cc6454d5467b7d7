"""The weekly check: every chain of every company, a page to a job, and one report where something fails."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from chalicelib.calls import call_owner, chain, list_store, store
from chalicelib.calls.analysis import read_booking
from chalicelib.calls.call import Call
from chalicelib.calls.jobs import CheckChains, SendChainReport
from chalicelib.core import guards
from chalicelib.core.clock import stamp
from chalicelib.core.errors import Conflict
from chalicelib.core.guards import Guard
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.settings import settings
from chalicelib.core.unit import CompanyUnitFactory

PAGE = 500
"""Calls to a job: some fifteen requests."""
MOST_FINDINGS = 50
"""Calls that a report names; it counts the others."""
COMPANIES_AT_ONCE = 50
ORPHANS_OF = timedelta(days=7)
KEEP_GUARD = timedelta(days=14)


class _DoneBefore(Conflict):
    """This page of this run was done by an earlier delivery of the same job."""

    def __init__(self) -> None:
        super().__init__("page_done", "This page was checked before.")


def spread(company_ids: Iterable[str], new_unit: CompanyUnitFactory, at: datetime) -> int:
    """Leave a job for each company and one for the calls of nobody's; returns how many. Twice a day is once."""
    run, due = at.date().isoformat(), 0
    left = iter([*company_ids, PLATFORM])
    while batch := list(islice(left, COMPANIES_AT_ONCE)):
        unit = new_unit(PLATFORM)
        for company_id in batch:
            unit.enqueue(CheckChains(company_id=company_id, run=run))
        unit.commit()
        due += len(batch)
    return due


def check(job: CheckChains, context: JobContext) -> None:
    """Judge the job's page, and leave the next one or the report."""
    checked, failed, findings, last = job.checked, job.failed, list(job.findings), ""
    seen = 0
    for call, missing in islice(_missing(job), PAGE):
        seen, checked, last = seen + 1, checked + 1, store.position(call)
        if missing:
            failed += 1
            findings += [(call.id, missing)] if len(findings) < MOST_FINDINGS else []
    unit = context.unit()
    name = f"{job.company_id}#chains#{job.run}#{job.page}"
    guards.add(unit, name, Guard(until=context.clock() + KEEP_GUARD), _DoneBefore())
    if seen == PAGE:
        unit.enqueue(
            CheckChains(
                company_id=job.company_id,
                run=job.run,
                page=job.page + 1,
                after=last,
                checked=checked,
                failed=failed,
                findings=findings,
            )
        )
    elif failed:
        unit.enqueue(SendChainReport(company_id=job.company_id, checked=checked, failed=failed, findings=findings))
    try:
        unit.commit()
    except _DoneBefore:
        return
    log.info("chains checked", extra={"run": job.run, "checked": checked, "failed": failed, "done": seen < PAGE})


def _missing(job: CheckChains) -> Iterator[tuple[Call, list[str]]]:
    """Each call to be judged, with the names of what fails; of nobody's calls, why each rule found no company."""
    if job.company_id != PLATFORM:
        for call, verdict in chain.validate_all(job.company_id, job.after):
            yield call, list(verdict.missing)
        return
    begun = stamp(datetime.fromisoformat(f"{job.run}T00:00:00+00:00") - ORPHANS_OF)
    default = call_owner.read_default(settings().default_company)
    for call in list_store.calls_after(PLATFORM, job.after or begun):
        _, tried = call_owner.owner(read_booking(call.link.booking_details), call.facts, default)
        yield call, [each.code for each in tried]
