"""Changing a series: one appointment, it and those that follow, or all; each by the use case that changes it alone.

The change is written down first, with where each appointment is to be, and with a job. Whoever goes on with it moves
nothing twice: a request that is repeated, or the job.
"""

from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.changes.cancel import CANCELLABLE, Cancellation, cancel
from chalicelib.booking.changes.reschedule import MOVABLE, reschedule
from chalicelib.booking.creation.book import check_time
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.provider import pending_change
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.book import JOB_AFTER_SECONDS, REQUEST_LASTS
from chalicelib.booking.series.finish import SeriesProgress, SeriesRun, commit_progress, progress_of
from chalicelib.booking.series.plan import Conflicts
from chalicelib.booking.series.series import Change, Series, Target
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Conflict, DomainError, Invalid, NotFound, VendorRefused, invalid
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed

BUSY = "Many are changing this series at once; try again in a moment."


def change_series(run: SeriesRun, series_id: str, change: Change, version: int | None = None) -> SeriesProgress:
    """The series with its `change`, whose targets say what came of each; unfinished ones are the job's to go on with.

    `version`: of the appointment that the change is told from, as it was decided on. The same change asked for again
    while it is unfinished is gone on with. What took place, or is over, is left alone.
    Raises NotFound, Conflict `stale_version`, `series_unfinished`, `change_pending`; Invalid about `body`.
    """
    until = run.clock() + REQUEST_LASTS
    change = msgspec.structs.replace(change, starts_at=to_utc(change.starts_at) if change.starts_at else None)
    series = until_committed(lambda: _begun(run, series_id, change, version), "calendar_busy", BUSY)
    try:
        return carry_out(run, series, until)
    except DomainError as error:
        log.warning("change of a series left to its job", extra={"series_id": series.id, "code": error.code})
        return progress_of(series_store.get_series(run.company_id, series_id))


def _begun(run: SeriesRun, series_id: str, change: Change, version: int | None) -> Series:
    """The series with the change written down. Raises Stale."""
    series = series_store.get_series(run.company_id, series_id)
    if series.status != "booked":
        raise Conflict("series_unfinished", f"This series is {series.status}; try again in a minute.")
    if series.change and not series.change.finished:
        if series.change.same(change):
            return series
        raise Conflict("change_pending", "Another change of this series is under way; try again in a minute.")
    progress = progress_of(series)
    first = progress.appointments.get(change.appointment_id)
    if first is None:
        raise NotFound("appointment_not_found", f"This series has no appointment {change.appointment_id}.")
    pending_change.guard_version(first, version)
    targets = find_targets(progress, change, run.clock())
    unit = run.answering()
    begun = series.changed(unit.clock(), change=msgspec.structs.replace(change, targets=targets))
    series_store.save_series(unit, begun)
    unit.enqueue(ResumeSeries(company_id=run.company_id, series_id=series_id), delay_seconds=JOB_AFTER_SECONDS)
    unit.commit(SeriesProgress(begun, progress.appointments))
    return begun


def carry_out(run: SeriesRun, series: Series, until: datetime) -> SeriesProgress:
    """Go through the targets, until then; one commit for each. Raises Unavailable, to be gone on with."""
    change = series.change
    assert change
    refused: Conflicts = {}
    targets = []
    for target in change.targets:
        if run.clock() >= until:
            return progress_of(series, refused)
        code = target.code
        if code is None:
            try:
                _change_one(run, change, target)
            except (Conflict, Invalid, NotFound, VendorRefused) as error:
                code = error.faults[0].code if error.faults else error.code
                shown = ("alternatives", "failures")
                refused[target.appointment_id] = {name: error.extra[name] for name in shown if name in error.extra}
        targets.append(msgspec.structs.replace(target, code=code))
    unit = run.answering()
    done = msgspec.structs.replace(change, targets=tuple(targets), finished=True)
    unit.audit(f"series.{done.kind}", series.id, scope=done.scope, appointment=done.appointment_id)
    return commit_progress(unit, progress_of(series.changed(unit.clock(), change=done), refused))


def _change_one(run: SeriesRun, change: Change, target: Target) -> None:
    if change.kind == "cancel":
        cancel(run, target.appointment_id, Cancellation(reason=change.reason, by=change.by))
        return
    move = Move(starts_at=target.starts_at, staff=change.staff, reason=change.reason, by=change.by)
    reschedule(run, target.appointment_id, move)


def find_targets(progress: SeriesProgress, change: Change, now: datetime) -> tuple[Target, ...]:
    """Where each is to be, in the order in which they do not stand in each other's way. Raises Invalid."""
    ids = progress.series.appointment_ids()
    following = ids[ids.index(change.appointment_id) :]
    chosen = {"one": following[:1], "following": following, "all": ids}[change.scope]
    appointments = [progress.appointments[each] for each in chosen if each in progress.appointments]
    if change.kind == "cancel":
        return tuple(_target(one, CANCELLABLE, None, now) for one in appointments)
    first = progress.appointments[change.appointment_id]
    schedule = time_swap.schedule_for(first)
    if change.staff is None and change.starts_at is None:
        raise invalid("body.starts_at", "required", "Give a new time, another member of staff, or both.")
    if change.staff is not None:
        schedule.able(schedule.service(first.service_id, "body.service"), change.staff, "body.staff")
    if change.starts_at is None:
        return tuple(_target(one, MOVABLE, one.starts_at, now) for one in appointments)
    check_time(change.starts_at, now, "body")
    by = _local(change.starts_at, schedule) - _local(first.starts_at, schedule)
    moved = [
        _target(one, MOVABLE, change.starts_at if one.id == first.id else _shifted(one.starts_at, by, schedule), now)
        for one in appointments
    ]
    # What moves later makes way for what follows it, so the last one goes first.
    return tuple(reversed(moved) if by > timedelta() else moved)


def _target(one: Appointment, open_: frozenset[str], starts_at: datetime | None, now: datetime) -> Target:
    if one.status not in open_:
        return Target(one.id, code=one.status)
    if one.starts_at <= now:
        return Target(one.id, code="in_the_past")
    return Target(one.id, starts_at)


def _local(at: datetime, schedule: Schedule) -> datetime:
    return at.astimezone(schedule.branch.clock()).replace(tzinfo=None)


def _shifted(at: datetime, by: timedelta, schedule: Schedule) -> datetime:
    moved = _local(at, schedule) + by
    return local_instant(moved.date(), moved.hour * 60 + moved.minute, schedule.branch.clock())
