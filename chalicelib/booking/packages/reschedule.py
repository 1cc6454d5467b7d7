"""Moving a package: solved anew around what others have, then every calendar is swapped once, in one transaction."""

from collections import Counter as Counted
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.choose import PartPlacement
from chalicelib.booking.allocation.context import BranchContext, CalendarFilter
from chalicelib.booking.allocation.time_swap import CalendarWeeks
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.alternatives.package_solver import PackageProblem, taken_of
from chalicelib.booking.alternatives.refusal import RefusedRequest
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.history import stage_moved
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.creation.book import check_time
from chalicelib.booking.creation.decided import team
from chalicelib.booking.creation.package_decision import placed, rule_input_of, staff_for
from chalicelib.booking.creation.stage import counted
from chalicelib.booking.packages.change import change, check
from chalicelib.booking.practice.models import Service
from chalicelib.booking.rules import limit_store, reschedule_rules
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.rules.verdict import Verdict
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit

MOVABLE: frozenset[Status] = frozenset({"requested", "confirmed"})


class _Relocation(msgspec.Struct, frozen=True, kw_only=True):
    """A package on its way to another time, or to another member of staff."""

    current: Together
    branch: BranchContext
    service: Service
    move: Move
    starts_at: datetime
    now: datetime

    @property
    def day(self) -> date:
        """The local date on which it is to begin."""
        return self.starts_at.astimezone(self.branch.schedule.branch.clock()).date()

    def refused(self) -> RefusedRequest:
        """What cannot be had, as the search for other times sees it."""
        package = self.current.package
        return RefusedRequest(
            company_id=package.company_id,
            branch_id=package.branch_id,
            service=self.service,
            staff=self.move.staff,
            starts_at=self.starts_at,
            now=self.now,
            customer_id=package.customer_id,
            moving=self.current.parts,
        )


@with_alternatives()
def reschedule(context: ChangeContext[Together], package_id: str, move: Move) -> Together:
    """The package at its new time; asking for where it is already changes nothing.

    Raises NotFound, Conflict `slot_taken` with `alternatives`, each bookable; `not_bookable` with every rule that fails
    (`failures`), those of rescheduling and those of booking at the new time; `stale_version`; `not_reschedulable` for
    what is over; `package_changed` when it consists of other services now.
    """
    if move.starts_at is not None:
        check_time(to_utc(move.starts_at), context.clock(), move.path)

    def stage(unit: Unit, current: Together) -> Together:
        check(current, MOVABLE, "not_reschedulable", "book a new one")
        starts_at = to_utc(move.starts_at) if move.starts_at else current.starts_at
        if starts_at == current.starts_at and move.staff is None:
            return current
        weeks = time_swap.weeks_of(time_swap.taken_by(current.parts))
        return _stage(unit, _relocation(current, move, starts_at, context.clock(), weeks), weeks)

    return change(context, package_id, move.version, stage)


def _relocation(current: Together, move: Move, starts_at: datetime, now: datetime, weeks: CalendarWeeks) -> _Relocation:
    """What is read for it, along with the `weeks` in which it lies."""
    package = current.package
    only = CalendarFilter(service=package.service_id)
    branch = branch_context.read(package.company_id, package.branch_id, (starts_at, starts_at), only, weeks.keys())
    service = branch.schedule.service(package.service_id, f"{move.path}.service")
    if [part.service_id for part in service.parts] != [part.service_id for part in current.parts]:
        raise Conflict("package_changed", f"{service.name} consists of other services now; cancel it and book anew.")
    return _Relocation(current=current, branch=branch, service=service, move=move, starts_at=starts_at, now=now)


def _stage(unit: Unit, to: _Relocation, weeks: CalendarWeeks) -> Together:
    current = to.current
    verdict, parts = _placed(to)
    moved = _moved(to, parts, _recount(unit, to, parts, unlimited=verdict.unlimited))
    calendars = _merged(weeks.calendars(to.branch.rows), to.branch.by_owner())
    time_swap.swap(unit, calendars, time_swap.taken_by(current.parts), time_swap.taken_by(moved), to.now)
    for old, new in zip(current.parts, moved, strict=True):
        stage_moved(unit, old, new)
    if verdict.overridden:
        unit.audit("appointment.rules_overridden", moved[0].id, (), **verdict.audit_details())
    return Together(current.package, tuple(moved))


def _placed(to: _Relocation) -> tuple[Verdict, tuple[PartPlacement, ...]]:
    schedule, parts, move = to.branch.schedule, to.current.parts, to.move
    people = staff_for(schedule, to.service, move.staff, path=move.path)
    query = LimitQuery(schedule, to.service, schedule.staff, to.current.package.customer_id, to.day)
    facts = reschedule_rules.read_facts(query, parts)
    rule_input = rule_input_of(query, people, facts, to.starts_at, to.now)
    verdict = reschedule_rules.judge(rule_input, parts[0], move)
    problem = PackageProblem(
        schedule=schedule,
        package=to.service,
        taken=taken_of(to.branch, [part.entry().reference for part in parts]),
        starts_at=to.starts_at,
        now=to.now,
        only=people.only,
        keep=[(str(part.staff_id), *part.resource_ids) for part in parts],
    )
    return placed(problem, verdict, people.staff, verdict.with_room(people.staff, facts), to.refused())


def _recount(unit: Unit, to: _Relocation, parts: Sequence[PartPlacement], *, unlimited: bool) -> list[tuple[str, ...]]:
    """Stage what changes of what it counts to, and say what each part counts to then."""
    old = Counted(name for part in to.current.parts for name in part.counted)
    customer_id = to.current.package.customer_id
    counters = LimitQuery(to.branch.schedule, to.service, team(parts), customer_id, to.day).counters()
    # Whatever one counts to twice, after one part was given to someone who has another, it counts to once again.
    off = old - Counted({counter.name for counter in counters})
    limit_store.count(unit, [one for one in counters if one.name not in old], over_the_limit=unlimited)
    limit_store.uncount(unit, off.elements())
    return counted(counters, parts)


def _merged(old: dict[CalendarOwner, Calendar], new: dict[CalendarOwner, Calendar]) -> dict[CalendarOwner, Calendar]:
    """Each calendar with the weeks around its old time and around its new one."""
    return old | {owner: old[owner].joined(new[owner]) if owner in old else new[owner] for owner in new}


def _moved(to: _Relocation, parts: Sequence[PartPlacement], counted: Sequence[tuple[str, ...]]) -> list[Appointment]:
    return [
        old.changed(to.now, **old.at(part.slot()), **part.buffers(), counted=names)
        for old, part, names in zip(to.current.parts, parts, counted, strict=True)
    ]
