"""Calls pulled from Retell: whatever its webhooks did not bring, through the same use case as they."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib.calls import record_call, store
from chalicelib.calls.call import FINAL, Call
from chalicelib.core.errors import DomainError, RateLimited
from chalicelib.core.unit import CompanyUnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.retell.calls import Listed, RetellCalls
    from chalicelib.vendors.retell.webhook import RetellCall

TRIES = 6
Wait = Callable[[float], object]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one call. `others`: it is another company's than the one asked for."""

    retell_call_id: str
    done: Literal["added", "updated", "unchanged", "others", "failed"]
    started_at: datetime | None = None
    company_id: str | None = None
    reason: str | None = None


def import_calls(
    retell: "RetellCalls", since: datetime, new_unit: CompanyUnitFactory, wait: Wait, company_id: str | None = None
) -> Iterator[Imported]:
    """Every call that began at `since` or later, the oldest first, so that whoever stops goes on where it ended.

    What is complete here is left alone, and Retell is not asked for it again. `wait` is told how many seconds Retell
    wants to be left in peace. Ends with the list's own errors; a single call's are in its outcome.
    """
    for listed in retell.since(since):
        try:
            yield _import(retell, listed, new_unit, wait, company_id)
        except DomainError as error:
            started_at = listed.call.started_at if listed.call else None
            yield Imported(
                retell_call_id=listed.call_id,
                done="failed",
                started_at=started_at,
                reason=f"{error.code}: {error.detail}",
            )


def _import(
    retell: "RetellCalls", listed: "Listed", new_unit: CompanyUnitFactory, wait: Wait, only: str | None
) -> Imported:
    call = listed.call
    if call is None:
        return Imported(retell_call_id=listed.call_id, done="failed", reason=listed.problem)
    facts, _ = record_call.facts_of(call)
    known, company_id, _ = record_call.locate(facts)
    if only and company_id != only:
        return Imported(retell_call_id=call.call_id, done="others", started_at=facts.started_at, company_id=company_id)
    before = store.calls_at(company_id, [known])[0] if known else None
    if before and _complete(before):
        done: Literal["added", "updated", "unchanged"] = "unchanged"
    else:
        whole = call if listed.whole else _in_full(retell, call, wait)
        record_call.record(whole, new_unit)
        done = "updated" if before else "added"
    return Imported(retell_call_id=call.call_id, done=done, started_at=facts.started_at, company_id=company_id)


def _complete(call: Call) -> bool:
    """Whether Retell has nothing to add: it ended, was analysed, and what was said is here (or was erased)."""
    facts = call.facts
    said = facts.has_transcript or call.erased_at is not None or facts.status == "not_connected"
    return facts.status in FINAL and facts.summary is not None and said


def _in_full(retell: "RetellCalls", call: "RetellCall", wait: Wait) -> "RetellCall":
    for _ in range(TRIES):
        try:
            return retell.call(call.call_id)
        except RateLimited as busy:
            wait(busy.retry_after)
    return retell.call(call.call_id)
