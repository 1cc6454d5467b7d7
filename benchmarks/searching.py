"""What a search for free times costs: fifty members of staff of a branch, thirty days, six bookings a day each."""

from datetime import timedelta

from msgspec.structs import replace

from benchmarks import system
from benchmarks.counting import Count, counted
from chalicelib.booking import calendars, compiled_store
from chalicelib.booking.occupancy import Entry, Kind, monday_of
from chalicelib.booking.opening import save_practice
from chalicelib.booking.practice import Staff
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call

CALLER = Caller(system.COMPANY)
STAFF, DAYS, WEEKS, A_DAY = 50, 30, 5, 6
SEARCH = f"GET /api/availability, {STAFF} staff × {DAYS} days"


def costs(practice: Practice) -> list[tuple[str, Count]]:
    """The first search after a change, the next of the same process, the first of another one."""
    branch_id = _crowd(practice)
    found = []
    for name in ("the first after a change", "from memory", "from the table"):
        if name == "from the table":
            compiled_store.forget()
        with counted() as count:
            _search(branch_id)
        found.append((f"{SEARCH}, {name}", count))
    return found


def _search(branch_id: str) -> Answer:
    first = system.monday(0).date()
    days = {"from": str(first), "to": str(first + timedelta(days=DAYS - 1)), "limit": "2000"}
    query = {"branch_id": branch_id, "service": "Haircut"} | days
    answer = call("GET", "/api/availability", caller=CALLER, query=query)
    assert answer.status == 200, answer
    return answer


def _crowd(practice: Practice) -> str:
    """A branch of fifty with their calendars; returns its id."""
    branch = replace(practice.branches[1], id="bra_0000000000000000CR0W", phone=None)
    chloe = replace(
        practice.staff[2], home_branch_id=branch.id, hours={branch.id: practice.staff[2].hours[practice.branches[1].id]}
    )
    staff = [replace(chloe, id=f"stf_{number:020}", name=f"Number {number}") for number in range(STAFF)]
    save_practice(lambda: Unit(system.COMPANY), [branch], practice.services, staff)
    for number, member in enumerate(staff):
        _fill(member, number)
    compiled_store.forget()
    return branch.id


def _fill(member: Staff, number: int) -> None:
    monday = monday_of(system.monday(0).date())
    mondays = [monday + timedelta(weeks=week) for week in range(WEEKS)]
    (calendar,) = calendars.calendars(system.COMPANY, [member], mondays, [None] * WEEKS)
    opening = system.monday(0, "America/New_York") + timedelta(minutes=number % 6 * 5)
    entries = [
        Entry(opening + timedelta(days=day, minutes=80 * turn), 30, 0, 0, Kind.BOOKING, 3, bytes(12))
        for day in range(DAYS)
        for turn in range(A_DAY)
    ]
    unit = Unit(system.COMPANY)
    calendars.take_all(unit, calendar, [e for e in entries if monday_of(e.start.date()) in mondays], now())
    unit.commit()
