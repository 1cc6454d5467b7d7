"""Rescheduling: the new time is taken while the old one still stands, the provider agrees, then the old is let go."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking.allocation import choose, recount_limits, time_swap
from chalicelib.booking.allocation.time_swap import Exchange
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.alternatives.refusal import NotBookable, RefusedRequest, SlotTaken
from chalicelib.booking.appointments.appointment import Appointment, TimeSlot
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import SLOT_TAKEN
from chalicelib.booking.appointments.history import stage_moved
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.changes.change import change_appointment
from chalicelib.booking.creation.book import BUSY, check_time
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.provider import pending_change
from chalicelib.booking.provider.requests import service_id_of
from chalicelib.booking.rules import reschedule_rules
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.reschedule_rules import Move
from chalicelib.booking.rules.rules import RuleInput
from chalicelib.booking.rules.verdict import Verdict
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit

MOVABLE = frozenset({"requested", "confirmed"})


class _Relocation(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment on its way to another time, or to another member of staff."""

    current: Appointment
    schedule: Schedule
    service: Service
    move: Move
    starts_at: datetime
    now: datetime

    @property
    def day(self) -> date:
        """The local date on which it is to begin."""
        return self.starts_at.astimezone(self.schedule.branch.clock()).date()

    @property
    def ends_at(self) -> datetime:
        """When it is to end: it is as long as before."""
        return self.starts_at + (self.current.ends_at - self.current.starts_at)

    def slot(self, member: Staff, rooms: tuple[str, ...] = ()) -> TimeSlot:
        """The time, with that member of staff."""
        return TimeSlot(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            staff_id=member.id,
            home_branch_id=member.home_branch_id,
            resource_ids=rooms,
        )

    def refused(self) -> RefusedRequest:
        """What cannot be had, as the search for other times sees it."""
        current = self.current
        return RefusedRequest(
            company_id=current.company_id,
            branch_id=current.branch_id,
            service=msgspec.structs.replace(self.service, duration_min=current.length_min),
            staff=self.move.staff or current.staff_id,
            starts_at=self.starts_at,
            now=self.now,
            customer_id=current.customer_id,
            moving=(current,),
            address=current.address,
        )


@with_alternatives()
def reschedule(context: ChangeContext[Appointment], appointment_id: str, move: Move) -> Appointment:
    """The appointment at its new time; with `pending_change` while the provider has not said whether it agrees.

    Asking for where it is already changes nothing. With another member of staff, the
    booking gets another host; where the provider books each otherwise, a new one is made and the old one cancelled.
    Raises Conflict: `slot_taken` with `alternatives`, each bookable; `not_bookable` with every rule that fails
    (`failures`), those of rescheduling and those of booking at the new time; `stale_version` with the `current` state;
    `not_reschedulable` for what is over; `awaits_…`, `change_pending` while the provider has yet to answer.
    """
    if move.starts_at is not None:
        check_time(to_utc(move.starts_at), context.clock(), move.path)
    relocation: _Relocation | None = None

    def stage(unit: Unit, current: Appointment) -> Appointment:
        nonlocal relocation
        pending_change.guard_version(current, move.version)
        _check(current)
        if move.starts_at is not None:
            pending_change.check_alone(current)
        relocation = _relocation(current, move, context.clock())
        return _stage(unit, relocation)

    try:
        return change_appointment(context, appointment_id, stage, BUSY)
    except Conflict as refusal:
        if not refusal.code.endswith(SLOT_TAKEN) or relocation is None:
            raise
        raise SlotTaken(relocation.refused()) from None


def _check(current: Appointment) -> None:
    if current.status not in MOVABLE | {"held"}:
        raise Conflict(
            "not_reschedulable",
            f"This appointment is {current.status.replace('_', ' ')}; book a new one.",
            current=pending_change.facts(current),
        )
    pending_change.check_settled(current)


def _relocation(current: Appointment, move: Move, now: datetime) -> _Relocation:
    schedule = time_swap.schedule_for(current)
    return _Relocation(
        current=current,
        schedule=schedule,
        service=schedule.service(current.service_id, f"{move.path}.service"),
        move=move,
        starts_at=to_utc(move.starts_at) if move.starts_at else current.starts_at,
        now=now,
    )


def _stage(unit: Unit, to: _Relocation) -> Appointment:
    current = to.current
    candidates = _candidates(to)
    if to.starts_at == current.starts_at and current.staff_id in {member.id for member in candidates}:
        return current
    verdict, staff = _judged(to, candidates)
    if verdict.refused:
        raise NotBookable(to.refused(), verdict.refused)
    rooms = time_swap.rooms_at(to.schedule, to.service, current, to.slot(staff[0]), to.now) if staff else None
    for member in staff if rooms is not None else ():
        slot = to.slot(member, rooms or ())
        if verdict.any_hours or choose.fit(to.schedule, to.service, member, current.entry(slot), to.day):
            staged = _stage_slot(unit, to, slot, verdict)
            if staged:
                if verdict.overridden:
                    unit.audit("appointment.rules_overridden", current.id, (), **verdict.audit_details())
                return staged
    raise SlotTaken(to.refused())


def _candidates(to: _Relocation) -> tuple[Staff, ...]:
    mine = time_swap.staff_of(to.schedule, to.current.staff_id) if to.move.staff is None else None
    return (mine,) if mine else to.schedule.able(to.service, to.move.staff, f"{to.move.path}.staff")


def _judged(to: _Relocation, candidates: Sequence[Staff]) -> tuple[Verdict, Sequence[Staff]]:
    """What the rules say, and who may take it; of what keeps its time, that anybody able may."""
    if to.starts_at == to.current.starts_at:
        return Verdict(), candidates
    query = LimitQuery(to.schedule, to.service, candidates, to.current.customer_id, to.day)
    facts = reschedule_rules.read_facts(query, [to.current])
    rule_input = RuleInput(
        now=to.now,
        starts_at=to.starts_at,
        ends_at=to.ends_at,
        schedule=to.schedule,
        service=to.service,
        policy=to.schedule.policy(to.service),
        staff=candidates,
        usages=facts.that_matter(candidates),
    )
    verdict = reschedule_rules.judge(rule_input, to.current, to.move)
    return verdict, verdict.with_room(candidates, facts)


def _stage_slot(unit: Unit, to: _Relocation, slot: TimeSlot, verdict: Verdict) -> Appointment | None:
    """Stage the appointment at another time, or that it is about to be; None when someone else has that time.

    What stands at a provider moves only with its consent, so there the new time is taken in addition.
    """
    current, now = to.current, to.now
    moved, recount = recount_limits.moved(to.schedule, current, current.changed(now, **current.at(slot)))
    if recount.full and not verdict.unlimited:
        raise NotBookable(to.refused(), recount.full)
    change = None
    if current.external_id is not None:
        change = pending_change.new_change(_kind(to, slot), to.move.by, now, reason=to.move.reason, slot=slot)
    after = msgspec.structs.replace(current, pending_change=change) if change else moved
    found = time_swap.exchanges((current, after))
    if not all(exchange.fits(now) for exchange in found) or not _in_time(to, slot, found):
        return None
    for exchange in found:
        exchange.stage(unit)
    if change:
        return pending_change.stage_hold(unit, current, change)
    recount.stage(unit, over_the_limit=verdict.unlimited)
    stage_moved(unit, current, moved)
    if moved.group and moved.starts_at != current.starts_at:
        unit.enqueue(FollowGroup(company_id=moved.company_id, appointment_id=moved.id))
    return moved


def _in_time(to: _Relocation, slot: TimeSlot, found: Sequence[Exchange]) -> bool:
    """Whether who does it there gets to it, and on to what follows."""
    member, policy = time_swap.staff_of(to.schedule, slot.staff_id), to.schedule.policy(to.service)
    own = to.current.entry().reference
    for exchange in found:
        if member and exchange.calendar.owner.id == member.id:
            calendar = exchange.calendar.without([own])
            added = [entry for entry in exchange.after if entry not in exchange.before]
            if not travel_time.in_time_moved(to.schedule, policy.travel, calendar, added, to.now):
                return False
    return True


def _kind(to: _Relocation, slot: TimeSlot) -> str:
    """Where each member of staff is booked by ids of their own, the provider has to make a new booking."""
    current = to.current
    if slot.staff_id == current.staff_id or current.staff_id is None:
        return "reschedule"
    now, then = (service_id_of(to.schedule, current, staff_id) for staff_id in (current.staff_id, slot.staff_id))
    if then is not None and now != then:
        return "rebook"
    return "reassign" if slot.starts_at == current.starts_at else "reschedule"
