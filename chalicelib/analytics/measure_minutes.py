"""How many minutes staff are available: their hours less time off, written down every night and when hours change."""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from chalicelib.analytics import store
from chalicelib.analytics.jobs import MeasureAvailable
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import AWAY, weeks_between
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.engine.hours import by_day
from chalicelib.booking.engine.windows import without
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.clock import Clock
from chalicelib.core.jobs import JobContext
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory, Unit, UnitFactory

BACK, AHEAD = 7, 62
"""Days. A night that was missed is made up for within a week; what lies ahead is measured anew every night."""
FURTHEST_BACK = 110
"""Days for which calendars still know who was away (they are kept 120)."""


def spread(company_ids: Iterable[str], new_unit: CompanyUnitFactory) -> None:
    """Let every company's branches be measured, by a job each."""
    for company_id in company_ids:
        unit = new_unit(company_id)
        unit.enqueue(MeasureAvailable(company_id=company_id))
        unit.commit()


def measure_next(job: MeasureAvailable, context: JobContext) -> None:
    """Measure the first branch after `job.after`, and leave the others to the next job."""
    branches = [
        branch
        for branch in practice_store.all_of(Branch, job.company_id)
        if not branch.deleted_at and branch.id > job.after and branch.id in (job.branch_ids or (branch.id,))
    ]
    if not branches:
        return
    unit = context.unit()
    _measure(unit, job.company_id, branches[0], BACK, context.clock)
    if len(branches) > 1:
        unit.enqueue(msgspec.structs.replace(job, after=branches[0].id))
    unit.commit()


def measure_back(new_unit: UnitFactory, company_id: str, clock: Clock) -> int:
    """Measure all branches as far back as calendars know who was away; returns how many.

    A day that was measured when it came stays as it was; one that was not is taken by the hours of today.
    """
    branches = [branch for branch in practice_store.all_of(Branch, company_id) if not branch.deleted_at]
    for branch in branches:
        unit = new_unit()
        _measure(unit, company_id, branch, FURTHEST_BACK, clock)
        unit.commit()
    return len(branches)


def _measure(unit: Unit, company_id: str, branch: Branch, back: int, clock: Clock) -> None:
    today = clock().astimezone(branch.clock()).date()
    first, last = today - timedelta(days=back), today + timedelta(days=AHEAD)
    schedule = practice_store.get_schedule(company_id, branch.id)
    # A window may begin a day before UTC's or end a day after.
    mondays = weeks_between(clock() - timedelta(days=back + 2), clock() + timedelta(days=AHEAD + 2))
    owners = [owner_of(member) for member in schedule.staff]
    rows = fetch_map(calendar_store.keys(owners, mondays), consistent=False)
    found = calendar_store.calendars(owners, mondays, rows)
    store.save_available(unit, branch.id, available_minutes(schedule, found, first, last), keep_before=today)


def available_minutes(schedule: Schedule, found: Iterable[Calendar], first: date, last: date) -> dict[date, int]:
    """Minutes that staff work on each local day, by the windows that begin on it, less their time off."""
    minutes = {date.fromordinal(n): 0 for n in range(first.toordinal(), last.toordinal() + 1)}
    for calendar in found:
        member = schedule.find_staff(calendar.owner.id)
        assert member, "the calendars are those of the schedule's staff"
        away = [
            (minute_of(entry.start), minute_of(entry.start) + entry.length_min)
            for entry in calendar.entries()
            if entry.kind in AWAY
        ]
        for day, windows in by_day(schedule.hours_of(member), first.toordinal(), last.toordinal()):
            minutes[date.fromordinal(day)] += sum(end - start for start, end in without(windows, away))
    return minutes
