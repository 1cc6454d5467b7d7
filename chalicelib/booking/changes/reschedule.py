"""Rescheduling: the new time is taken while the old one still stands, Cal.com agrees, then the old one is let go."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.allocation import choose, time_swap
from chalicelib.booking.allocation.time_swap import Exchange
from chalicelib.booking.alternatives.refusal import RefusedRequest, not_bookable, slot_taken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, TimeSlot
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.calcom.apply import AppointmentHook, moved_ids
from chalicelib.booking.calcom.requests import event_type_of
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.calendar import owner_of
from chalicelib.booking.creation import book, recount_limits
from chalicelib.booking.creation.book import TRIES, check_time
from chalicelib.booking.events import AppointmentMoved, AppointmentReassigned
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import reschedule_rules
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.unit import Unit, UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

MOVABLE = frozenset({"requested", "confirmed"})


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Where to. `starts_at` None: when it is now. `staff`: id or name, None: who has it now.

    `version`: the one that was decided on, None: whichever. `path` is where these fields stand in the request.
    `by`: "customer", or who of the staff. `override`: rules that do not matter; the endpoint knows who may.
    """

    starts_at: datetime | None
    staff: str | None = None
    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    path: str = "body"
    override: tuple[RuleName, ...] = ()


def reschedule(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    move: Move,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """The appointment at its new time; with `pending_change` while Cal.com has not said whether it agrees.

    Asking for where it is already changes nothing. `hook` is added to the transaction in which the new time stands.
    Raises Conflict: `slot_taken` with `alternatives`, each bookable; `not_bookable` with every rule that fails
    (`failures`), those of rescheduling and those of booking at the new time;
    `stale_version` with the `current` state;
    `not_reschedulable` for what is over; `awaits_calcom`, `change_pending` while Cal.com has yet to answer.
    """
    if move.starts_at is not None:
        check_time(to_utc(move.starts_at), clock(), move.path)
    return relocate(new_unit, company_id, appointment_id, move, clock, calcom, hook)


def relocate(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    move: Move,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """`reschedule` without a look at the clock, for what stays at its time."""
    for attempt in range(TRIES):
        current = appointment_store.get_appointment(company_id, appointment_id)
        pending_change.guard_version(current, move.version)
        _check(current)
        if move.starts_at is not None:
            pending_change.check_alone(current)
        unit = new_unit()
        try:
            starts_at = to_utc(move.starts_at) if move.starts_at else current.starts_at
            staged = _stage(unit, current, move, starts_at, clock())
            if staged is current:
                return current
            if hook and staged.pending_change is None:
                hook(unit, staged)
            unit.commit(staged)
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
            continue
        return _finish(staged, move, calcom, new_unit, clock, hook) if staged.pending_change else staged
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def _check(current: Appointment) -> None:
    if current.status not in MOVABLE | {"held"}:
        raise Conflict(
            "not_reschedulable",
            f"This appointment is {current.status.replace('_', ' ')}; book a new one.",
            current=pending_change.facts(current),
        )
    pending_change.check_settled(current)


def _stage(unit: Unit, current: Appointment, move: Move, starts_at: datetime, now: datetime) -> Appointment:
    schedule = time_swap.schedule_for(current)
    service = schedule.service(current.service_id, f"{move.path}.service")
    candidates = _candidates(schedule, service, current, move)
    if starts_at == current.starts_at and current.staff_id in {member.id for member in candidates}:
        return current
    verdict = reschedule_rules.judge(schedule, service, current, candidates, starts_at, move.by, move.override, now)
    if verdict.refused:
        raise not_bookable(_sought(current, service, move, starts_at, now), verdict.refused)
    day = starts_at.astimezone(schedule.branch.clock()).date()
    places = [
        (
            member,
            TimeSlot(
                starts_at=starts_at,
                ends_at=starts_at + (current.ends_at - current.starts_at),
                staff_id=member.id,
                home_branch_id=member.home_branch_id,
            ),
        )
        for member in verdict.staff
    ]
    rooms = time_swap.rooms_at(schedule, service, current, places[0][1], now) if places else None
    for member, place in places:
        fits = verdict.any_hours or choose.fit(schedule, service, member, current.entry(place), day)
        if rooms is None or not fits:
            continue
        there = msgspec.structs.replace(place, resource_ids=rooms)
        staged = stage_place(unit, schedule, current, there, move, now, unlimited=verdict.unlimited)
        if staged:
            if verdict.overridden:
                unit.audit("appointment.rules_overridden", current.id, overridden=",".join(verdict.overridden))
            return staged
    raise _taken(current, service, move, starts_at, now)


def stage_place(
    unit: Unit,
    schedule: Schedule,
    current: Appointment,
    place: TimeSlot,
    move: Move,
    now: datetime,
    *,
    unlimited: bool = False,
) -> Appointment | None:
    """Stage the appointment at another place, or that it is about to be; None when someone else has that time.

    What stands at Cal.com moves only with Cal.com's consent, so there the new place is taken in addition.
    """
    moved, counting = recount_limits.moved(schedule, current, current.changed(now, **current.at(place)))
    if counting.full and not unlimited:
        raise not_bookable(
            _sought(current, schedule.service(current.service_id, "service"), move, place.starts_at, now), counting.full
        )
    through_calcom = current.external_id is not None
    kind = _kind(schedule, current, place)
    change = pending_change.new_change(kind, move.by, now, reason=move.reason, place=place) if through_calcom else None
    after = msgspec.structs.replace(current, pending_change=change) if change else moved
    found = time_swap.exchanges(current, after)
    if not all(exchange.fits(now) for exchange in found) or not _in_time(schedule, current, place, found, now):
        return None
    _write(unit, found)
    if change:
        return pending_change.stage_hold(unit, current, change)
    counting.stage(unit, over_the_limit=unlimited)
    appointment_store.save_appointment(unit, moved)
    if moved.starts_at != current.starts_at:
        unit.publish(
            AppointmentMoved(
                appointment_id=moved.id, starts_at=moved.starts_at, version=moved.version, was_at=current.starts_at
            )
        )
        if moved.group:
            unit.enqueue(FollowGroup(company_id=moved.company_id, appointment_id=moved.id))
    if moved.staff_id != current.staff_id:
        unit.publish(
            AppointmentReassigned(appointment_id=moved.id, staff_id=str(moved.staff_id), version=moved.version)
        )
    unit.audit("appointment.moved", moved.id, ("starts_at", "ends_at", "staff_id"), **moved_ids(current, moved))
    return moved


def _in_time(
    schedule: Schedule, current: Appointment, place: TimeSlot, found: Sequence[Exchange], now: datetime
) -> bool:
    """Whether who does it there gets to it, and on to what follows."""
    member = time_swap.staff_of(schedule, place.staff_id)
    policy = schedule.policy(schedule.service(current.service_id, "service"))
    for exchange in found:
        if member and exchange.calendar.owner.id == member.id:
            calendar = exchange.calendar.without([exchange.reference])
            calendar = msgspec.structs.replace(calendar, owner=owner_of(member))
            added = [entry for entry in exchange.after if entry not in exchange.before]
            if not travel_time.in_time_moved(schedule, policy.travel, calendar, added, now):
                return False
    return True


def _write(unit: Unit, found: Sequence[Exchange]) -> None:
    for exchange in found:
        exchange.stage(unit)


def _kind(schedule: Schedule, current: Appointment, place: TimeSlot) -> str:
    """An event type belongs to its hosts: with another one, Cal.com has to make a new booking."""
    if place.staff_id == current.staff_id or current.staff_id is None:
        return "reschedule"
    now, then = (event_type_of(schedule, current, staff_id) for staff_id in (current.staff_id, place.staff_id))
    if then is not None and now != then:
        return "rebook"
    return "reassign" if place.starts_at == current.starts_at else "reschedule"


def _candidates(schedule: Schedule, service: Service, current: Appointment, move: Move) -> tuple[Staff, ...]:
    if move.staff is None:
        mine = time_swap.staff_of(schedule, current.staff_id)
        if mine:
            return (mine,)
    return schedule.able(service, move.staff, f"{move.path}.staff")


def _finish(
    held: Appointment,
    move: Move,
    calcom: "Callable[[], CalCom]",
    new_unit: UnitFactory,
    clock: Clock,
    hook: AppointmentHook | None,
) -> Appointment:
    change = held.pending_change
    assert change
    assert change.place
    try:
        return pending_change.carry_out(held, calcom, new_unit, clock, hook)
    except Conflict as refusal:
        if refusal.code != "calcom_slot_taken":
            raise
        schedule = time_swap.schedule_for(held)
        service = schedule.service(held.service_id, f"{move.path}.service")
        raise _taken(held, service, move, change.place.starts_at, clock()) from None


def _taken(current: Appointment, service: Service, move: Move, starts_at: datetime, now: datetime) -> Conflict:
    return slot_taken(_sought(current, service, move, starts_at, now))


def _sought(current: Appointment, service: Service, move: Move, starts_at: datetime, now: datetime) -> RefusedRequest:
    return RefusedRequest(
        company_id=current.company_id,
        branch_id=current.branch_id,
        service=msgspec.structs.replace(service, duration_min=current.entry().length_min),
        staff=move.staff or current.staff_id,
        starts_at=starts_at,
        now=now,
        customer_id=current.customer_id,
        moving=current,
        address=current.address,
    )
