"""What counts towards limits: the counters a booking adds to, by local day, week and month."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.rules import LimitUsage, Period, periods


class Counter(msgspec.Struct, frozen=True):
    """One counter and its limit. `what`: branch, service, staff or customer; `record_id`: whose item it lies with."""

    what: str
    record_id: str
    scope: str
    period: str
    most: int

    @property
    def name(self) -> str:
        """What an appointment remembers it by: `<record>#<scope>#<period>`."""
        return f"{self.record_id}#{self.scope}#{self.period}"

    def tally(self, booked: int) -> LimitUsage:
        """How full it is, for the rules."""
        return LimitUsage(self.what, self.record_id, self.period, booked, self.most)


def counters(
    schedule: Schedule, service: Service, staff: Sequence[Staff], customer_id: str | None, day: date
) -> list[Counter]:
    """Every counter with a limit that a booking on the local `day` would add to, with any of `staff`; mostly none."""
    policy = schedule.policy(service)
    found: list[Counter] = []
    if "daily_maximum" not in policy.off and policy.daily_maximum is not None:
        found += _of("branch", schedule.branch.id, "branch", Limits(per_day=policy.daily_maximum), day)
    if "limits" in policy.off:
        return found
    found += _of("service", schedule.branch.id, service.id, policy.service_limits, day)
    for member in staff:
        found += _of("staff", member.id, "staff", of_member(policy, member), day)
    if customer_id:
        found += _of("customer", customer_id, "customer", policy.customer_limits, day)
    return found


def of_member(policy: Policy, member: Staff) -> Limits:
    """The limits of a member of staff: the policy's, and his own daily maximum where it is less."""
    limits = policy.staff_limits or Limits()
    days = [most for most in (limits.per_day, member.daily_maximum) if most is not None]
    return msgspec.structs.replace(limits, per_day=min(days, default=None))


def limits_customers(schedule: Schedule, service: Service) -> bool:
    """Whether it matters who the customer is, before he is known by id."""
    policy = schedule.policy(service)
    return "limits" not in policy.off and policy.customer_limits not in (None, Limits())


def full_staff(tallies: Iterable[LimitUsage]) -> set[str]:
    """Ids of the staff who can take no more."""
    return {tally.record_id for tally in tallies if tally.what == "staff" and tally.booked >= tally.most}


def ends(period: str) -> date:
    """The day after a period's last, give or take: when its counter may be forgotten from."""
    kind, _, said = period.partition("#")
    first = date.fromisoformat(said if kind != "month" else f"{said}-01")
    return first + timedelta(days={"day": 1, "week": 7, "month": 31}[kind])


def _of(what: str, record_id: str, scope: str, limits: Limits | None, day: date) -> list[Counter]:
    found: list[Period] = periods(limits, day)
    return [Counter(what, record_id, scope, period.key, period.most) for period in found]
