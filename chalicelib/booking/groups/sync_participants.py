"""What follows a change of a whole group for each participant: their list, their limits, what they have had done.

A group may have more participants than a transaction holds, so each is brought up to it in one of their own. What is
kept beside the group says how far that came: whoever comes twice, or goes on after a crash, changes nothing twice.
"""

from collections.abc import Sequence

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import TAKES_TIME, Appointment
from chalicelib.booking.appointments.group import Membership, Participant
from chalicelib.booking.creation import group_seat
from chalicelib.booking.events import ParticipantMoved
from chalicelib.booking.jobs import FollowGroup
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.limits import Counter
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit


def follow(job: FollowGroup, context: JobContext) -> None:
    """Bring what is kept for each participant up to the group; raises Stale, to come again, when the group changes."""
    group = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if group is None or group.group is None:
        return
    known = membership_store.memberships(job.company_id, group.id)
    schedule = time_swap.schedule_for(group)
    for who in group.group.participants:
        unit = context.unit(job.company_id)
        before = known.get(who.customer_id)
        if _follow(unit, group, who.customer_id, _counters(group, schedule, who), before):
            if before is None and job.merged_from:
                unit.publish(_moved(group, who, job.merged_from))
            # Whoever leaves meanwhile must not be put back.
            membership_store.check_group(unit, group)
            unit.commit()


def _follow(
    unit: Unit, group: Appointment, customer_id: str, counters: Sequence[Counter], before: Membership | None
) -> bool:
    """Stage it for one of them; False when nothing has to change."""
    was = before or Membership(appointment_id=group.id, customer_id=customer_id, starts_at=group.starts_at, version=0)
    done, names = group.status == "completed", tuple(counter.name for counter in counters)
    now = msgspec.structs.replace(was, starts_at=group.starts_at, counted=names, done=done)
    if now == before:
        return False
    # It has happened already: limits are counted, and stop nothing.
    limit_store.count(unit, [one for one in counters if one.name not in was.counted], over_the_limit=True)
    limit_store.uncount(unit, [name for name in was.counted if name not in names])
    if done != was.done:
        limit_store.note_done(unit, customer_id, group.service_id, 1 if done else -1)
    store = membership_store.save if before else membership_store.add
    store(unit, msgspec.structs.replace(now, version=was.version + 1))
    return True


def _counters(group: Appointment, schedule: Schedule, who: Participant) -> Sequence[Counter]:
    return group_seat.counters_of(schedule, group, who.customer_id) if group.status in TAKES_TIME else ()


def _moved(group: Appointment, who: Participant, merged_from: str) -> ParticipantMoved:
    return ParticipantMoved(
        appointment_id=group.id,
        participant_id=who.id,
        customer_id=who.customer_id,
        from_appointment_id=merged_from,
        version=group.version,
    )
