"""Changing a series: one appointment, it and those that follow, or all; each by the use case that changes it alone.

The change is written down first, with where each appointment is to be, and with a job. Whoever goes on with it moves
nothing twice: a request that is repeated, or the job.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.changes.cancel import CANCELLABLE, Cancellation, cancel
from chalicelib.booking.changes.reschedule import MOVABLE, reschedule
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import TRIES, check_time
from chalicelib.booking.jobs import ResumeSeries
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.series import store as series_store
from chalicelib.booking.series.book import JOB_AFTER_SECONDS, REQUEST_LASTS
from chalicelib.booking.series.finish import SeriesProgress, Units, progress_of
from chalicelib.booking.series.plan import Conflicts
from chalicelib.booking.series.series import Change, Scope, Series, Target
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Conflict, DomainError, Invalid, NotFound, Stale, Unavailable, VendorRefused, invalid
from chalicelib.core.logging import log

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom


class SeriesChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of the appointment it is told from, and of how many more. `staff`: id or name.

    `version`: of that appointment, as it was decided on. The others are moved by as much on the local clock.
    """

    kind: Literal["reschedule", "cancel"]
    appointment_id: str
    scope: Scope
    starts_at: datetime | None = None
    staff: str | None = None
    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    path: str = "body"

    def change(self) -> Change:
        """The change, before its targets are known."""
        return Change(
            kind=self.kind,
            scope=self.scope,
            appointment_id=self.appointment_id,
            starts_at=to_utc(self.starts_at) if self.starts_at else None,
            staff=self.staff,
            reason=self.reason,
            by=self.by,
        )


def change_series(
    units: Units,
    company_id: str,
    series_id: str,
    wanted: SeriesChange,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
) -> SeriesProgress:
    """The series with its `change`, whose targets say what came of each; unfinished ones are the job's to go on with.

    The same change asked for again while it is unfinished is gone on with. What took place, or is over, is left alone.
    Raises NotFound, Conflict `stale_version`, `series_unfinished`, `change_pending`; Invalid.
    """
    until = clock() + REQUEST_LASTS
    series = _begun(units, company_id, series_id, wanted, clock)
    try:
        return carry_out(units, series, clock, calcom, until)
    except DomainError as error:
        log.warning("change of a series left to its job", extra={"series_id": series.id, "code": error.code})
        return progress_of(series_store.get_series(company_id, series_id))


def carry_out(
    units: Units, series: Series, clock: Clock, calcom: "Callable[[], CalCom]", until: datetime
) -> SeriesProgress:
    """Go through the targets, until then; one commit for each. Raises Unavailable, to be gone on with."""
    change = series.change
    assert change
    refused: Conflicts = {}
    targets = []
    for target in change.targets:
        if clock() >= until:
            return progress_of(series, refused)
        code = target.code
        if code is None:
            try:
                _one(units, series.company_id, change, target, clock, calcom)
            except (Conflict, Invalid, NotFound, VendorRefused) as error:
                code = error.faults[0].code if error.faults else error.code
                told = ("alternatives", "failures")
                refused[target.appointment_id] = {name: error.extra[name] for name in told if name in error.extra}
        targets.append(msgspec.structs.replace(target, code=code))
    done = msgspec.structs.replace(change, targets=tuple(targets), finished=True)
    return _finished(units, series, done, refused)


def _finished(units: Units, series: Series, done: Change, refused: Conflicts) -> SeriesProgress:
    unit = units.answering()
    new = series.changed(unit.clock(), change=done)
    series_store.save_series(unit, new)
    unit.audit(f"series.{done.kind}", new.id, scope=done.scope, appointment=done.appointment_id)
    result = progress_of(new, refused)
    try:
        unit.commit(result)
    except Stale:  # someone else went through the same targets, and was faster
        return progress_of(series_store.get_series(series.company_id, series.id), refused)
    return result


def _begun(units: Units, company_id: str, series_id: str, wanted: SeriesChange, clock: Clock) -> Series:
    """The series with the change written down."""
    asked = wanted.change()
    for attempt in range(TRIES):
        series = series_store.get_series(company_id, series_id)
        if series.status != "booked":
            raise Conflict("series_unfinished", f"This series is {series.status}; try again in a minute.")
        if series.change and not series.change.finished:
            if series.change.same(asked):
                return series
            raise Conflict("change_pending", "Another change of this series is under way; try again in a minute.")
        found = progress_of(series)
        told = found.appointments.get(wanted.appointment_id)
        if told is None:
            raise NotFound("appointment_not_found", f"This series has no appointment {wanted.appointment_id}.")
        pending_change.guard_version(told, wanted.version)
        targets = _targets(found, told, wanted, clock())
        unit = units.answering()
        begun = series.changed(unit.clock(), change=msgspec.structs.replace(asked, targets=targets))
        series_store.save_series(unit, begun)
        job = ResumeSeries(company_id=company_id, series_id=series_id)
        unit.enqueue(job, delay_seconds=JOB_AFTER_SECONDS)
        try:
            unit.commit(SeriesProgress(begun, found.appointments))
            return begun
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are changing this series at once; try again in a moment.")


def _targets(found: SeriesProgress, told: Appointment, wanted: SeriesChange, now: datetime) -> tuple[Target, ...]:
    """Where each is to be, in the order in which they do not stand in each other's way."""
    ids = [str(one.appointment_id) for one in found.series.wanted()]
    place = ids.index(told.id)
    chosen = {"one": [told.id], "following": ids[place:], "all": ids}[wanted.scope]
    standing_ones = [found.appointments[each] for each in chosen if each in found.appointments]
    if wanted.kind == "cancel":
        return tuple(_target(one, CANCELLABLE, None, now) for one in standing_ones)
    schedule = time_swap.schedule_for(told)
    if wanted.staff is None and wanted.starts_at is None:
        raise invalid(f"{wanted.path}.starts_at", "required", "Give a new time, another member of staff, or both.")
    if wanted.staff is not None:
        schedule.able(schedule.service(told.service_id, f"{wanted.path}.service"), wanted.staff, f"{wanted.path}.staff")
    if wanted.starts_at is None:
        return tuple(_target(one, MOVABLE, one.starts_at, now) for one in standing_ones)
    starts_at = to_utc(wanted.starts_at)
    check_time(starts_at, now, wanted.path)
    by = _local(starts_at, schedule) - _local(told.starts_at, schedule)
    moved = [
        _target(one, MOVABLE, starts_at if one.id == told.id else _shifted(one.starts_at, by, schedule), now)
        for one in standing_ones
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
    there = _local(at, schedule) + by
    return local_instant(there.date(), there.hour * 60 + there.minute, schedule.branch.clock())


def _one(
    units: Units,
    company_id: str,
    change: Change,
    target: Target,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
) -> None:
    context: ChangeContext[Appointment] = ChangeContext(units.silent, company_id, clock, calcom=calcom)
    if change.kind == "cancel":
        cancellation = Cancellation(reason=change.reason, by=change.by)
        cancel(context, target.appointment_id, cancellation)
        return
    move = Move(starts_at=target.starts_at, staff=change.staff, reason=change.reason, by=change.by)
    reschedule(context, target.appointment_id, move)
