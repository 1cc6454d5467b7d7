"""What the rules say of another time for an appointment: the terms of rescheduling, and the ordinary ones of booking.

What was settled when it was booked (length, deposit, consultation, blocklist) is not asked again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.policy import Policy, Rescheduling, RuleName
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, rules
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.rules import Failure, RuleInput, spoken
from chalicelib.booking.rules.verdict import LIMITS, Verdict
from chalicelib.core.tables import Key
from chalicelib.crm.contact_points.contact import Contact

CUSTOMER = "customer"
"""What `by` says of a customer's own change; anything else is staff."""
OF_A_TIME: frozenset[RuleName] = LIMITS | {
    *("minimum_notice", "maximum_advance", "business_hours", "staff_availability")
}  # fmt: skip


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Where an appointment, or a package, is to be. `starts_at` None: when it is now, with another member of staff.

    `staff`: id or name, None: who has it now; of a package, whom to take for all that they do. `by`: "customer", or
    who of the staff. `version`: the one that was decided on, None: whichever. `path` is where these fields stand in
    the request. `override`: rules that do not matter; the endpoint knows who may.
    """

    starts_at: datetime | None = None
    staff: str | None = None
    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    path: str = "body"
    override: tuple[RuleName, ...] = ()


def read_facts(query: LimitQuery, moving: Sequence[Appointment]) -> RuleFacts:
    """What the rules look at of an appointment, or a package's parts, that count already; a request for limits."""
    rows: dict[Key, Any] = {}
    if query.service.consultation_id and query.customer_id:
        # Whether the customer had their consultation was asked when they booked.
        rows[limit_store.done_key(query.company_id, query.customer_id, query.service.consultation_id)] = None
    return rule_facts.read(query, Contact(), rows).without({name for one in moving for name in one.counted})


def judge(rule_input: RuleInput, current: Appointment, move: Move) -> Verdict:
    """What the rules say of `current`, maybe a package's first part, at that time; where it keeps its time, limits."""
    failed = rules.failures(rule_input)
    if rule_input.starts_at == current.starts_at:
        failed = [one for one in failed if one.rule in LIMITS]
    else:
        agreed = terms(current, rule_input.policy, move.by, rule_input.now)
        failed = [*agreed, *(one for one in failed if one.rule in OF_A_TIME)]
    return Verdict(policy=rule_input.policy, failed=tuple(failed), override=move.override)


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


_WHO: dict[tuple[str, ...], str] = {
    (): "Appointments are not moved.",
    ("staff",): "Please call us to move this appointment.",
    ("customer",): "Only the customer moves this appointment.",
}
