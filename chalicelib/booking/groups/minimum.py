"""Groups below their minimum at their deadline: cancelled, or merged into another one of the day; every minute."""

from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import MERGED, Group
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.availability.open_groups import JOINABLE
from chalicelib.booking.changes.cancel import write_over
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice.hours import local_instant
from chalicelib.booking.practice.policy import GroupPolicy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.clock import Clock
from chalicelib.core.errors import DomainError
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import CompanyUnitFactory, Unit, UnitFactory

AT_ONCE = 25
"""Of each shard: a hundred a minute and run; what is left over comes with the next."""
BELOW = "below_minimum"
"""Why such a group is cancelled; or because it was merged."""


def check_deadlines(new_unit: CompanyUnitFactory, clock: Clock, most: int = AT_ONCE) -> int:
    """Look at the groups whose deadline has passed; how many. Whoever comes twice changes nothing."""
    looked_at = 0
    for shard in range(appointment_store.ENDING_SHARDS):
        for company_id, appointment_id in appointment_store.past_deadline(clock(), shard, most):
            try:
                looked_at += check_minimum(lambda c=company_id: new_unit(c), company_id, appointment_id, clock)  # type: ignore[misc]
            except DomainError as error:
                log.warning("group not checked", extra={"appointment_id": appointment_id, "code": error.code})
    return looked_at


def check_minimum(new_unit: UnitFactory, company_id: str, appointment_id: str, clock: Clock) -> bool:
    """Do with one group what its policy says; False when that was done, or it is not time yet.

    One transaction: it is marked as looked at, cancelled, or cancelled while another one gains its participants.
    """

    def attempt() -> bool:
        # The index may be behind: the record itself says whether it is to be looked at.
        current = appointment_store.get_appointment(company_id, appointment_id)
        deadline, now = current.deadline(), clock()
        if deadline is None or deadline > now or current.status not in JOINABLE or current.pending_change:
            return False
        unit = new_unit()
        _stage(unit, current, now)
        unit.commit()
        return True

    busy = "Many are changing this group at once; the next minute looks again."
    return until_committed(attempt, "calendar_busy", busy)


def _stage(unit: Unit, current: Appointment, now: datetime) -> None:
    group = current.group
    assert group
    schedule = time_swap.schedule_for(current)
    policy = _policy(schedule, current)
    checked = current.changed(now, group=group.checked())
    if group.enough or now >= current.starts_at or policy.below == "keep":
        appointment_store.save_appointment(unit, checked)
        unit.audit("group.checked", current.id)
        return
    target = _target(schedule, current, group, now) if policy.below == "merge" else None
    if target is None:
        write_over(unit, current, _cancelled(checked, BELOW))
        return
    assert target.group
    gained = target.changed(now, group=target.group.joined(*group.participants))
    write_over(unit, current, _cancelled(checked, MERGED), [(target, gained)])
    appointment_store.save_appointment(unit, gained)
    unit.enqueue(FollowGroup(company_id=gained.company_id, appointment_id=gained.id, merged_from=current.id))
    unit.audit("group.merged", gained.id, ("participants",), merged_from=current.id)


def _policy(schedule: Schedule, current: Appointment) -> GroupPolicy:
    service = schedule.find_service(current.service_id)
    # What is no longer offered was cancelled or kept by whoever took it off.
    found = schedule.policy(service).group if service else None
    return found or GroupPolicy(below="keep")


def _cancelled(checked: Appointment, reason: str) -> Appointment:
    return msgspec.structs.replace(checked, status="cancelled", cancellation_reason=reason)


def _target(schedule: Schedule, current: Appointment, group: Group, now: datetime) -> Appointment | None:
    """The group that can take everyone: rather one that is then large enough, then the nearest."""
    fitting = [
        one
        for one in _same_day(schedule, current)
        if one.group and one.starts_at > now and one.group.takes(group.participants)
    ]

    def order(one: Appointment) -> tuple[bool, float, str]:
        assert one.group
        small = one.group.taken + group.taken < one.group.least_seats
        return small, abs((one.starts_at - current.starts_at).total_seconds()), one.id

    return min(fitting, key=order, default=None)


def _same_day(schedule: Schedule, current: Appointment) -> list[Appointment]:
    clock = schedule.branch.clock()
    day = current.starts_at.astimezone(clock).date()
    that_day = AppointmentFilter(
        company_id=current.company_id,
        by="branch",
        record_id=current.branch_id,
        starts_from=local_instant(day, 0, clock),
        starts_until=local_instant(day, 1440, clock),
    )
    found = appointment_store.each_appointment(that_day)
    # The index may be behind, so the records themselves are read.
    ids = dict.fromkeys((one.id for one in found if one.service_id == current.service_id), current.company_id)
    return [
        one
        for one in appointment_store.appointments_of(ids).values()
        if one.service_id == current.service_id
        and one.id != current.id
        and one.status in JOINABLE
        and one.pending_change is None
    ]
