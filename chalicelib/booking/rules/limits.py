"""What counts towards limits: the counters a booking adds to, by local day, week and month."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Limits, Policy
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.rules import LimitUsage


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

    def usage(self, booked: int) -> LimitUsage:
        """How full it is, for the rules."""
        return LimitUsage(self.what, self.record_id, self.period, booked, self.most)


class LimitQuery(msgspec.Struct, frozen=True):
    """A booking as limits see it: of a service, with any of `staff`, on the local `day`; `customer_id`: if known."""

    schedule: Schedule
    service: Service
    staff: Sequence[Staff]
    customer_id: str | None
    day: date

    @property
    def company_id(self) -> str:
        """Whose branch it is."""
        return self.schedule.branch.company_id

    def counters(self) -> list[Counter]:
        """Every counter with a limit that it would add to; mostly none."""
        policy, day, branch_id = self.schedule.policy(self.service), self.day, self.schedule.branch.id
        found: list[Counter] = []
        if "daily_maximum" not in policy.off and policy.daily_maximum is not None:
            found += _counters("branch", branch_id, "branch", Limits(per_day=policy.daily_maximum), day)
        if "limits" in policy.off:
            return found
        found += _counters("service", branch_id, self.service.id, policy.service_limits, day)
        for member in self.staff:
            found += _counters("staff", member.id, "staff", limits_of_staff(policy, member), day)
        if self.customer_id:
            found += _counters("customer", self.customer_id, "customer", policy.customer_limits, day)
        return found


def limits_of_staff(policy: Policy, member: Staff) -> Limits:
    """The limits of a member of staff: the policy's, and their own daily maximum where it is less."""
    limits = policy.staff_limits or Limits()
    days = [most for most in (limits.per_day, member.daily_maximum) if most is not None]
    return msgspec.structs.replace(limits, per_day=min(days, default=None))


class Period(msgspec.Struct, frozen=True):
    """A local day, week or month: `key` names it among its kind (`day#2026-11-30`, `week#…`, `month#2026-11`)."""

    key: str
    most: int


def periods(limits: Limits | None, day: date) -> list[Period]:
    """The periods that a booking on the local `day` counts in, of those that have a limit; weeks begin on Monday."""
    if limits is None:
        return []
    monday = day - timedelta(days=day.weekday())
    named = (
        (f"day#{day.isoformat()}", limits.per_day),
        (f"week#{monday.isoformat()}", limits.per_week),
        (f"month#{day.strftime('%Y-%m')}", limits.per_month),
    )
    return [Period(key, most) for key, most in named if most is not None]


def full_staff(usages: Iterable[LimitUsage]) -> set[str]:
    """Ids of the staff who can take no more."""
    return {usage.record_id for usage in usages if usage.what == "staff" and usage.full}


def ends(period: str) -> date:
    """The day after a period's last, give or take: when its counter may be forgotten from."""
    kind, _, first_day = period.partition("#")
    first = date.fromisoformat(first_day if kind != "month" else f"{first_day}-01")
    return first + timedelta(days={"day": 1, "week": 7, "month": 31}[kind])


def _counters(what: str, record_id: str, scope: str, limits: Limits | None, day: date) -> list[Counter]:
    return [Counter(what, record_id, scope, period.key, period.most) for period in periods(limits, day)]
