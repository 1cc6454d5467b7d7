"""Retention: after as many days as the company says, a call's transcript and recording link go for good."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.calls import list_store, store
from chalicelib.calls.call import Call, CallSettings
from chalicelib.calls.jobs import ForgetRecordings
from chalicelib.core import inbox
from chalicelib.core.errors import Stale
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.unit import CompanyUnitFactory, Unit

ORPHANS_KEPT_DAYS = 90
"""Of calls to numbers of nobody's, whose company cannot say."""
MOST_AT_ONCE = 300
"""Calls to a job: well within what a worker has time for."""
COMPANIES_AT_ONCE = 50
DELIVERIES = ("call_ended", "call_analyzed")
"""Retell's webhooks that hold a transcript; their bodies lie in the inbox as they came."""


def spread(company_ids: Iterable[str], new_unit: CompanyUnitFactory) -> int:
    """Leave a job for each company that keeps recordings for a time only, and one for the platform; how many."""
    due = 0
    batch: list[str] = []
    for company_id in [*company_ids, PLATFORM]:
        batch.append(company_id)
        if len(batch) == COMPANIES_AT_ONCE:
            due += _spread(batch, new_unit)
            batch = []
    return due + _spread(batch, new_unit)


def _spread(company_ids: list[str], new_unit: CompanyUnitFactory) -> int:
    unit, due = new_unit(PLATFORM), 0
    for company_id, settings in store.settings_of(company_ids).items():
        if _days(company_id, settings) is not None:
            unit.enqueue(ForgetRecordings(company_id=company_id))
            due += 1
    unit.commit()
    return due


def _days(company_id: str, settings: CallSettings) -> int | None:
    return ORPHANS_KEPT_DAYS if company_id == PLATFORM else settings.keep_recordings_days


def forget(job: ForgetRecordings, context: JobContext) -> None:
    """Erase what is due: the index has nothing else, so a job that died is simply done again."""
    days = _days(job.company_id, store.get_settings(job.company_id))
    if days is None:
        return
    at, erased = context.clock(), 0
    for ids in list_store.kept_until(job.company_id, at - timedelta(days=days)):
        for call in store.calls_at(job.company_id, ids):
            erased += _erase(call, at, context)
            if erased >= MOST_AT_ONCE:
                unit = context.unit()
                unit.enqueue(job)
                unit.commit()
                return
    log.info("recordings forgotten", extra={"calls": erased})


def _erase(call: Call, at: datetime, context: JobContext) -> int:
    if not call.facts.has_recording:  # the index lags behind
        return 0
    unit = context.unit()
    store.erase(unit, call, at)
    if at - call.created_at < inbox.KEEP + timedelta(days=1):
        for event in DELIVERIES:
            inbox.forget(unit, "retell", f"{event}:{call.facts.retell_call_id}")
    unit.audit("call.erased", call.id, ("transcript", "recording_url"))
    try:
        unit.commit()
    except Stale:  # Retell has news of it at this moment: tomorrow then
        return 0
    return 1


def save_settings(unit: Unit, keep_recordings_days: int | None, version: int) -> CallSettings:
    """The company's settings over those of `version`; Stale when they were changed since."""
    settings = CallSettings(keep_recordings_days=keep_recordings_days, version=version + 1)
    store.save_settings(unit, settings)
    unit.audit("call_settings.saved", unit.company_id, ("keep_recordings_days",))
    unit.commit(settings)
    return settings
