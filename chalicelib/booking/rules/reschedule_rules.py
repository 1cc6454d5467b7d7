"""What the rules say of another time for an appointment: the terms of rescheduling, and the ordinary ones of booking.

What was settled when it was booked (length, deposit, consultation, blocklist) is not asked again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy, Rescheduling, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, rules
from chalicelib.booking.rules.rules import Failure, RuleInput, spoken
from chalicelib.crm.customer import Contact

CUSTOMER = "customer"
"""What `by` says of a customer's own change; anything else is staff."""
OF_A_TIME: frozenset[RuleName] = frozenset(
    {"minimum_notice", "maximum_advance", "business_hours", "staff_availability", "daily_maximum", "limits"}
)


class Verdict(Struct, frozen=True, kw_only=True):
    """`refused`: every rule that does not allow it. `staff`: who may take it, as far as limits go.

    `overridden`: rules that would have refused. `any_hours`: working hours and skills do not matter; `unlimited`: nor
    do limits.
    """

    refused: Sequence[Failure] = ()
    staff: Sequence[Staff] = ()
    overridden: Sequence[RuleName] = ()
    any_hours: bool = False
    unlimited: bool = False


def judge(
    schedule: Schedule,
    service: Service,
    current: Appointment,
    staff: Sequence[Staff],
    starts_at: datetime,
    by: str,
    override: Sequence[RuleName],
    now: datetime,
) -> Verdict:
    """What the rules say of `current` at another time; of one that keeps its time, that anybody able may take it.

    One request where there are limits that it does not count to yet, else none.
    """
    if starts_at == current.starts_at:
        return Verdict(staff=staff)
    policy = schedule.policy(service)
    day = starts_at.astimezone(schedule.branch.clock()).date()
    seen = rule_facts.found(
        current.company_id, schedule, service, staff, current.customer_id, Contact(), day, known(service, current)
    )
    # Where it counts already, it takes no more by moving.
    seen = replace(
        seen,
        tallies=[t for c, t in zip(seen.counters, seen.tallies, strict=True) if c.name not in current.counted],
    )
    attempt = RuleInput(
        now=now,
        starts_at=starts_at,
        ends_at=starts_at + (current.ends_at - current.starts_at),
        schedule=schedule,
        service=service,
        policy=policy,
        staff=staff,
        tallies=seen.that_matter(staff),
    )
    failed = [*terms(current, policy, by, now), *(one for one in rules.failures(attempt) if one.rule in OF_A_TIME)]
    overridden = tuple(dict.fromkeys(one.rule for one in failed if one.rule in override))
    waived = {*policy.off, *overridden}
    return Verdict(
        refused=[one for one in failed if one.rule not in override],
        staff=staff if "limits" in waived else seen.with_room(staff),
        overridden=overridden,
        any_hours="staff_availability" in waived,
        unlimited=bool({"limits", "daily_maximum"} & set(overridden)),
    )


def terms(current: Appointment, policy: Policy, by: str, now: datetime) -> list[Failure]:
    """Which of the practice's terms of rescheduling do not allow moving it now."""
    if "rescheduling" in policy.off:
        return []
    agreed = policy.rescheduling or Rescheduling()
    failed = []
    if ("customer" if by == CUSTOMER else "staff") not in agreed.by:
        failed.append(Failure("rescheduling", "reschedule_not_allowed", _WHO[agreed.by]))
    if agreed.most is not None and current.moves >= agreed.most:
        times = "once" if agreed.most == 1 else f"{agreed.most} times"
        message = f"An appointment may be moved {times} at most." if agreed.most else "Appointments are not moved."
        failed.append(Failure("rescheduling", "reschedule_limit", message))
    notice = timedelta(minutes=agreed.notice_min)
    if notice and now > current.starts_at - notice:
        message = f"Appointments are moved at least {spoken(notice)} ahead."
        failed.append(Failure("rescheduling", "reschedule_notice", message))
    return failed


def known(service: Service, current: Appointment) -> rule_facts.Rows:
    """What need not be read of what the rules look at."""
    # Whether the customer had his consultation was asked when he booked.
    if service.consultation_id is None:
        return {}
    return {limit_store.done_key(current.company_id, current.customer_id, service.consultation_id): None}


_WHO: dict[tuple[str, ...], str] = {
    (): "Appointments are not moved.",
    ("staff",): "Please call us to move this appointment.",
    ("customer",): "Only the customer moves this appointment.",
}
