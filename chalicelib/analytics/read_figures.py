"""What a dashboard reads: at most four requests for counters, and one for searches or available minutes."""

from collections.abc import Mapping
from datetime import date

import msgspec

from chalicelib.analytics import store
from chalicelib.analytics.counters import Counters
from chalicelib.analytics.periods import Period, Range, total
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.core.clock import Clock


def today(company_id: str, branch_id: str | None, clock: Clock) -> date:
    """The date by the branch's clock, or by that of the branch that is furthest on; one request."""
    if branch_id:
        branch = practice_store.find(Branch, company_id, branch_id)
        branches = [branch] if branch else []
    else:
        branches = practice_store.all_of(Branch, company_id)
    return max((clock().astimezone(one.clock()).date() for one in branches), default=clock().date())


def read(company_id: str, branch_id: str | None, span: Range) -> list[Period]:
    """The counters of each period of a range, of one branch or of all; raises NotFound for an unknown branch."""
    scope = branch_id or store.ALL
    generation = store.shown(company_id, branch_id)
    found: dict[date, Counters] = {}
    for part in span.loose_days():
        found |= store.days_of(company_id, scope, generation, part.first, part.last)
    whole = span.whole_months()
    if whole:
        found |= store.months_of(company_id, scope, generation, whole.first, whole.last)
    return [
        Period(one, total(counters for day, counters in found.items() if one.first <= day <= one.last))
        for one in span.periods()
    ]


def with_searches(company_id: str, branch_id: str | None, span: Range) -> list[Period]:
    """The same, with how often free times were searched for."""
    periods = read(company_id, branch_id, span)
    by_day = store.searches(company_id, branch_id, span.first, span.last)
    return [msgspec.structs.replace(one, searches=sum(_within(by_day, one.range))) for one in periods]


def with_available(company_id: str, branch_id: str | None, span: Range) -> list[Period]:
    """The same, with the available minutes."""
    periods = read(company_id, branch_id, span)
    by_day = store.available(company_id, branch_id, span.first, span.last)
    found = []
    for one in periods:
        measured = _within(by_day, one.range)
        missing = one.range.days - len(measured)
        found.append(msgspec.structs.replace(one, available=sum(measured), unmeasured=missing))
    return found


def _within(by_day: Mapping[date, int], span: Range) -> list[int]:
    return [by_day[day] for day in span.dates() if day in by_day]
