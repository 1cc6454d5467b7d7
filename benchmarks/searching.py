"""What a search for free times costs: fifty members of staff of a branch, thirty days, six bookings a day each."""

import statistics
import time
from collections.abc import Iterable
from datetime import date, timedelta

from msgspec.structs import replace

from benchmarks import system
from benchmarks.counting import Count, counted
from chalicelib.booking.availability import search_index_store
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind, monday_of
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice_admin.seed import save_practice
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call

CALLER = Caller(system.COMPANY)
STAFF, DAYS, WEEKS, A_DAY = 50, 30, 5, 6
HISTORY = 26
"""Weeks before those asked about, as full as they are."""
SEARCHES = 30
CROWDED = "bra_0000000000000000CR0W"
SEARCH = f"GET /api/availability, {STAFF} staff × {DAYS} days"


def costs(practice: Practice) -> list[tuple[str, Count]]:
    """The first search after a change, the next of the same process, the first of another one, and with a past."""
    branch_id, staff = _crowd(practice)
    found = []
    for name in ("the first after a change", "from memory", "from the table", f"{HISTORY} full weeks behind them"):
        if name == "from the table":
            search_index_store.forget()
        if name.startswith(str(HISTORY)):
            _fill_all(staff, range(-HISTORY, 0))
        with counted() as count:
            _search(branch_id)
        found.append((f"{SEARCH}, {name}", count))
    return found


def times() -> dict[str, float]:
    """p50 and p99 of that search from request to answer in milliseconds, and what of it is ours; after `costs`."""
    whole, database = [], []
    for number in range(SEARCHES + 3):
        start = time.perf_counter()
        with counted() as count:
            _search(CROWDED)
        if number >= 3:  # the first ones warm up
            whole.append((time.perf_counter() - start) * 1000)
            database.append(count.aws_ms)
    return {
        "searches": SEARCHES,
        "whole p50": statistics.median(whole),
        "whole p99": statistics.quantiles(whole, n=100)[98],
        "DynamoDB p50": statistics.median(database),
        "own code p50": statistics.median(all_ - theirs for all_, theirs in zip(whole, database, strict=True)),
    }


def _search(branch_id: str) -> Answer:
    first = system.monday(0).date()
    days = {"from": str(first), "to": str(first + timedelta(days=DAYS - 1)), "limit": "2000"}
    query = {"branch_id": branch_id, "service": "Haircut"} | days
    answer = call("GET", "/api/availability", caller=CALLER, query=query)
    assert answer.status == 200, answer
    return answer


def _crowd(practice: Practice) -> tuple[str, list[Staff]]:
    """A branch of fifty with their calendars; its id, and they."""
    branch = replace(practice.branches[1], id=CROWDED, phone=None)
    chloe = replace(
        practice.staff[2], home_branch_id=branch.id, hours={branch.id: practice.staff[2].hours[practice.branches[1].id]}
    )
    staff = [replace(chloe, id=f"stf_{number:020}", name=f"Number {number}") for number in range(STAFF)]
    save_practice(lambda: Unit(system.COMPANY), [branch], practice.services, staff)
    _fill_all(staff, range(WEEKS))
    search_index_store.forget()
    return branch.id, staff


def _fill_all(staff: Iterable[Staff], weeks: range) -> None:
    monday = monday_of(system.monday(0).date())
    mondays = [monday + timedelta(weeks=week) for week in weeks]
    for number, member in enumerate(staff):
        _fill(member, number, mondays)


def _fill(member: Staff, number: int, mondays: list[date]) -> None:
    opening = system.monday(0, "America/New_York") + timedelta(minutes=number % 6 * 5)
    entries = [
        Entry(opening + timedelta(days=day, minutes=80 * turn), 30, 0, 0, Kind.BOOKING, 3, bytes(12))
        for day in range(-7 * HISTORY, DAYS)
        for turn in range(A_DAY)
    ]
    unit = Unit(system.COMPANY)
    new = [entry for entry in entries if monday_of(entry.start.date()) in mondays]
    calendar_store.exchange(unit, Calendar(owner_of(member)), (), new, now())
    unit.commit()
