"""Moving a package: solved anew around what others have, then every calendar is swapped once, in one transaction."""

from collections import Counter as Counted
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from chalicelib.booking.allocation import context as booking_context
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives.package_solver import Taking, solve, taken_of
from chalicelib.booking.alternatives.refusal import RefusedRequest
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.package import Together
from chalicelib.booking.calcom.apply import moved_ids
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.creation import package as package_creation
from chalicelib.booking.creation.book import check_time
from chalicelib.booking.creation.decision import Asked
from chalicelib.booking.creation.package_decision import attempt_of, placed, team, workers_for
from chalicelib.booking.events import AppointmentMoved, AppointmentReassigned
from chalicelib.booking.packages.change import PackageHook, change, check, lying, read_lying
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, limits, reschedule_rules, rules
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.rules import Failure, RuleInput
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.customer import Contact

LIMITS: frozenset[RuleName] = frozenset({"limits", "daily_maximum"})
MOVABLE: frozenset[Status] = frozenset({"requested", "confirmed"})


class PackageMove(msgspec.Struct, frozen=True, kw_only=True):
    """Where to. `staff`: id or name of whom to take for all that he does; None: who has each part now, where he can.

    `version`: of the package as it was decided on, None: whichever. `path` is where these fields stand in the request.
    `by`, `override`: as for an appointment.
    """

    starts_at: datetime
    staff: str | None = None
    version: int | None = None
    path: str = "body"
    by: str = "staff"
    override: tuple[RuleName, ...] = ()


class _Moved(msgspec.Struct, frozen=True):
    """Where its parts go; `overridden`: rules that would have refused it."""

    parts: list[Taking]
    overridden: tuple[RuleName, ...]


def reschedule(
    new_unit: UnitFactory,
    company_id: str,
    package_id: str,
    move: PackageMove,
    clock: Clock,
    hook: PackageHook | None = None,
) -> Together:
    """The package at its new time; asking for where it is already changes nothing. `hook` joins the transaction.

    Raises NotFound, Conflict `slot_taken` with `alternatives`, each bookable; `not_bookable` with every rule that fails
    (`failures`), those of rescheduling and those of booking at the new time; `stale_version`; `not_reschedulable` for
    what is over; `package_changed` when it consists of other services now.
    """
    starts_at = to_utc(move.starts_at)
    check_time(starts_at, clock(), move.path)

    def stage(unit: Unit, current: Together) -> Together:
        check(current, MOVABLE, "not_reschedulable", "book a new one")
        if starts_at == current.starts_at and move.staff is None:
            return current
        return _stage(unit, current, move, starts_at, clock())

    return change(new_unit, company_id, package_id, move.version, stage, hook)


def _stage(unit: Unit, current: Together, move: PackageMove, starts_at: datetime, now: datetime) -> Together:
    package, company_id = current.package, current.package.company_id
    lies = lying(current)
    keys = [key for one in lies for key in one.places()]
    found = booking_context.read(company_id, package.branch_id, starts_at, starts_at, keys, service=package.service_id)
    schedule = found.schedule
    service = schedule.service(package.service_id, f"{move.path}.service")
    if [part.service_id for part in service.parts] != [part.service_id for part in current.parts]:
        raise Conflict("package_changed", f"{service.name} consists of other services now; cancel it and book anew.")
    counted = _Recounted(schedule, service, current, starts_at)
    there = _placed(found, service, current, move, starts_at, counted, now)
    known = _both(read_lying(lies, dict(zip(keys, found.extra, strict=True))), found.by_owner())
    unlimited = bool(LIMITS & set(there.overridden))
    moved = _moved(current, there.parts, counted.stage(unit, there.parts, over_the_limit=unlimited), now)
    before, after = package_creation.entries_of(current.parts), package_creation.entries_of(moved)
    package_creation.swap(unit, known, before, after, now)
    for old, new in zip(current.parts, moved, strict=True):
        _write(unit, old, new)
    if there.overridden:
        unit.audit("appointment.rules_overridden", moved[0].id, overridden=",".join(there.overridden))
    return Together(package, tuple(moved))


def _placed(
    found: BookingContext,
    service: Service,
    current: Together,
    move: PackageMove,
    starts_at: datetime,
    counted: "_Recounted",
    now: datetime,
) -> _Moved:
    schedule, policy = found.schedule, found.schedule.policy(service)
    branch_id, own = current.package.branch_id, current.parts
    asked = Asked(branch_id=branch_id, service=service.id, starts_at=starts_at, staff=move.staff, path=move.path)
    workers, only = workers_for(schedule, service, asked)
    seen = counted.seen()
    attempt = attempt_of(schedule, asked, service, workers, only, seen, now)
    failed = _failed(attempt, current, move)
    overridden = tuple(dict.fromkeys(one.rule for one in failed if one.rule in move.override))
    taken, keep = taken_of(found, [part.entry().reference for part in own]), _kept(current)

    def place(members: Sequence[Staff], *, empty: bool = False, any_hours: bool = False) -> list[Taking] | None:
        days, at = {} if empty else taken, starts_at
        return solve(schedule, service, members, days, at, now, only=only, any_hours=any_hours, keep=keep)

    sought = RefusedRequest(
        company_id=current.package.company_id,
        branch_id=branch_id,
        service=service,
        staff=move.staff,
        starts_at=starts_at,
        now=now,
        customer_id=current.package.customer_id,
        own=own,
    )
    able = workers if "limits" in {*policy.off, *overridden} else seen.with_room(workers)
    return _Moved(placed(place, able, workers, failed, policy, sought, move.override), overridden)


def _failed(attempt: RuleInput, current: Together, move: PackageMove) -> list[Failure]:
    """The terms of rescheduling that do not allow it, and the rules of booking; of what keeps its time, limits."""
    failed = rules.failures(attempt)
    if attempt.starts_at == current.starts_at:
        return [one for one in failed if one.rule in LIMITS]
    agreed = reschedule_rules.terms(current.parts[0], attempt.policy, move.by, attempt.now)
    return [*agreed, *(one for one in failed if one.rule in reschedule_rules.OF_A_TIME)]


def _kept(current: Together) -> list[tuple[str, ...]]:
    return [(str(part.staff_id), *part.resource_ids) for part in current.parts]


class _Recounted:
    """What a package counts to before it moves and then."""

    def __init__(self, schedule: Schedule, service: Service, current: Together, starts_at: datetime) -> None:
        self._schedule, self._service, self._current = schedule, service, current
        self._day = starts_at.astimezone(schedule.branch.clock()).date()
        self._old = Counted(name for part in current.parts for name in part.counted)

    def seen(self) -> RuleFacts:
        """What the rules look at, without what it counts to already; one request where there are limits."""
        schedule, service, package = self._schedule, self._service, self._current.package
        known = reschedule_rules.known(service, self._current.parts[0])
        seen = rule_facts.found(
            package.company_id, schedule, service, schedule.staff, package.customer_id, Contact(), self._day, known
        )
        pairs = zip(seen.counters, seen.tallies, strict=True)
        return replace(seen, tallies=[tally for counter, tally in pairs if counter.name not in self._old])

    def stage(self, unit: Unit, parts: Sequence[Taking], *, over_the_limit: bool) -> list[tuple[str, ...]]:
        """Stage what changes, and say what each part counts to."""
        wanted = limits.counters(
            self._schedule, self._service, team(parts), self._current.package.customer_id, self._day
        )
        names = {counter.name for counter in wanted}
        # Whatever one counts to twice, after one part was given to someone who has another, it counts to once again.
        off = self._old - Counted(names)
        new = [counter for counter in wanted if counter.name not in self._old]
        limit_store.count(unit, new, over_the_limit=over_the_limit)
        limit_store.uncount(unit, off.elements())
        return package_creation.counted(wanted, parts)


def _both(old: dict[str, Calendar], new: dict[str, Calendar]) -> dict[str, Calendar]:
    """Each calendar with the weeks around its old time and around its new one."""
    return old | {owner: old[owner].joined(new[owner]) if owner in old else new[owner] for owner in new}


def _moved(
    current: Together, parts: Sequence[Taking], counted: Sequence[tuple[str, ...]], now: datetime
) -> list[Appointment]:
    return [
        old.changed(
            now,
            starts_at=part.starts_at,
            ends_at=part.ends_at,
            staff_id=part.staff.id,
            home_branch_id=part.staff.home_branch_id,
            resource_ids=part.room_ids,
            before_min=part.service.buffer_before_min,
            after_min=part.service.buffer_after_min,
            moves=old.moves + (part.starts_at != old.starts_at),
            counted=names,
        )
        for old, part, names in zip(current.parts, parts, counted, strict=True)
    ]


def _write(unit: Unit, old: Appointment, new: Appointment) -> None:
    appointment_store.save_appointment(unit, new)
    if new.starts_at != old.starts_at:
        unit.publish(
            AppointmentMoved(appointment_id=new.id, starts_at=new.starts_at, version=new.version, was_at=old.starts_at)
        )
    if new.staff_id != old.staff_id:
        unit.publish(AppointmentReassigned(appointment_id=new.id, staff_id=str(new.staff_id), version=new.version))
    unit.audit("appointment.moved", new.id, ("starts_at", "ends_at", "staff_id"), **moved_ids(old, new))
