"""How much of what is taken a search reads: the weeks around what is asked, more only where a limit counts them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from chalicelib.booking.availability import search
from chalicelib.booking.availability.search_index import compile_search
from chalicelib.booking.availability.search_query import BranchSearch, SearchQuery
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.engine.clocks import day_start
from chalicelib.booking.practice.hours import Window
from chalicelib.booking.practice.models import Branch, Service, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice.schedule import Schedule

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, MONDAY, AFTER = date(2026, 5, 4), date(2026, 5, 11), date(2026, 5, 18)
IN_MAY = [date(2026, 4, 27), BEFORE, MONDAY, AFTER, date(2026, 5, 25)]
WEEKLY = Policy(service_limits=Limits(per_week=9))


def day(number: int) -> date:
    """A day of May."""
    return date(2026, 5, number)


@pytest.mark.parametrize(
    ("zone", "policy", "first", "last", "weeks"),
    [
        ("Europe/Berlin", Policy(), day(14), day(15), [MONDAY]),
        ("Europe/Berlin", Policy(), day(14), day(16), [MONDAY]),
        ("Europe/Berlin", Policy(), day(14), day(17), [MONDAY, AFTER]),
        ("Europe/Berlin", Policy(), MONDAY, MONDAY, [BEFORE, MONDAY]),  # Sunday's nights reach into it
        ("Europe/Berlin", Policy(daily_maximum=9), day(14), day(16), [MONDAY]),
        ("Europe/Berlin", Policy(service_limits=Limits(per_day=9)), day(14), day(16), [MONDAY]),
        # A week of Berlin begins on Sunday by UTC, one of New York ends on Monday.
        ("Europe/Berlin", WEEKLY, day(14), day(14), [BEFORE, MONDAY]),
        ("America/New_York", WEEKLY, day(14), day(14), [MONDAY, AFTER]),
        ("UTC", WEEKLY, day(14), day(14), [MONDAY]),
        ("UTC", Policy(off=("limits",), service_limits=Limits(per_month=9)), day(14), day(14), [MONDAY]),
        ("UTC", Policy(staff_limits=Limits(per_month=9)), day(14), day(14), IN_MAY),
        ("UTC", Policy(staff_limits=Limits(per_month=9)), day(1), day(31), [*IN_MAY, date(2026, 6, 1)]),
    ],
)
def test_a_search_reads_the_weeks_it_needs(
    monkeypatch: pytest.MonkeyPatch, zone: str, policy: Policy, first: date, last: date, weeks: list[date]
) -> None:
    hours = tuple(Window(each, 540, 1020) for each in range(7))
    cut = Service(id="svc", company_id="com", number=1, name="Cut", duration_min=30, policy=policy)
    ada = Staff(
        id="ada", company_id="com", name="Ada", home_branch_id="bra", hours={"bra": hours}, service_ids=("svc",)
    )
    branch = Branch(id="bra", company_id="com", name="B", zone=zone, hours=hours)
    search_index_of = compile_search(Schedule(branch=branch, services=(cut,), staff=(ada,)))
    read = []

    def read_branch(company_id: str, branch_id: str, mondays: list[date]) -> dict[str, Any]:
        read.extend(mondays)
        return {}

    monkeypatch.setattr(calendar_store, "read_branch", read_branch)
    window = (day_start(zone, first.toordinal()), day_start(zone, last.toordinal() + 1))
    query = SearchQuery(branch_ids=("bra",), services=())
    search.read_calendar(BranchSearch("com", search_index_of, search_index_of.services, window, query), NOW)
    assert read == weeks
