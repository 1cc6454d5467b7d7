"""The rules of booking: each a function of its own; all failures of a booking come back together.

A rule is switched off by `Policy.off`, parametrised by the policy of service and branch, and may be overridden by
staff who hold the ability, which is audited. Whether the time is free is not a rule: nobody overrides that.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.practice.hours import Interval
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.money import written


class Failure(msgspec.Struct, frozen=True):
    """A rule that does not allow the booking: its name, a stable code, a sentence for people; what is to be paid."""

    rule: RuleName
    code: str
    message: str
    amount_minor: int | None = None


class LimitUsage(msgspec.Struct, frozen=True):
    """How many are booked in a period and how many may be; `what`: branch, service, staff or customer."""

    what: str
    record_id: str
    period: str
    booked: int
    most: int

    @property
    def full(self) -> bool:
        """Whether no more may be booked."""
        return self.booked >= self.most


class RuleInput(msgspec.Struct, frozen=True, kw_only=True):
    """A booking that someone wants, with everything the rules look at; instants in UTC.

    `staff`: those who could do it, of whom one is enough. `usages`: of every limit, as read together with the
    calendars. `paid_minor`: the deposit paid so far. `consulted`: whether the customer completed the consultation.
    """

    now: datetime
    starts_at: datetime
    ends_at: datetime
    schedule: Schedule
    service: Service
    policy: Policy
    staff: Sequence[Staff]
    usages: Sequence[LimitUsage] = ()
    blocked: bool = False
    consulted: bool = True
    paid_minor: int = 0

    @property
    def day(self) -> date:
        """The branch's date of the start."""
        return self.starts_at.astimezone(self.schedule.branch.clock()).date()

    def within(self, intervals: Iterable[Interval]) -> bool:
        """Whether the whole appointment lies in one of them."""
        return any(start <= self.starts_at and self.ends_at <= end for start, end in intervals)


Check = Callable[[RuleInput], Failure | None]
"""A rule: the failure of a booking that it does not allow, or None."""


def minimum_notice(rule_input: RuleInput) -> Failure | None:
    """Not at the last minute: the start is at least the notice ahead."""
    notice = timedelta(minutes=rule_input.policy.minimum_notice_min or 0)
    if rule_input.starts_at >= rule_input.now + notice:
        return None
    return Failure("minimum_notice", "too_soon", f"Book at least {spoken(notice)} ahead.")


def maximum_advance(rule_input: RuleInput) -> Failure | None:
    """Not further ahead than the practice plans, in days of the branch's calendar."""
    days = rule_input.policy.maximum_advance_days or 0
    today = rule_input.now.astimezone(rule_input.schedule.branch.clock()).date()
    if not days or rule_input.day <= today + timedelta(days=days):
        return None
    return Failure("maximum_advance", "too_far_ahead", f"Times are bookable up to {days} days ahead.")


def business_hours(rule_input: RuleInput) -> Failure | None:
    """While the branch is open: the appointment lies within one stretch of its hours."""
    if rule_input.within(rule_input.schedule.open_around(rule_input.day)):
        return None
    return Failure("business_hours", "closed", f"{rule_input.schedule.branch.name} is closed at this time.")


def staff_availability(rule_input: RuleInput) -> Failure | None:
    """While at least one of those asked for works and has valid skills; shifts that touch at midnight are one."""
    able = [member for member in rule_input.staff if member.can(rule_input.service.skills, rule_input.day)]
    if not able:
        return Failure("staff_availability", "no_one_able", "Nobody with the required skills is there.")
    if any(rule_input.within(rule_input.schedule.windows_around(member, rule_input.day)) for member in able):
        return None
    return Failure("staff_availability", "not_working", "Nobody who does this works at this time.")


def service_availability(rule_input: RuleInput) -> Failure | None:
    """Only in lengths that the service has."""
    length, service = (rule_input.ends_at - rule_input.starts_at) // timedelta(minutes=1), rule_input.service
    if service.category == "package" or length == service.duration_min:
        return None
    if service.category == "flexible" and service.longest_min:
        steps = (length - service.duration_min) % service.slot_interval_min == 0
        if service.duration_min <= length <= service.longest_min and steps:
            return None
    message = f"{service.name} is not offered with {length} minutes."
    return Failure("service_availability", "length_not_offered", message)


def blocklist(rule_input: RuleInput) -> Failure | None:
    """Not for customers the practice has blocked; the sentence does not say so."""
    return Failure("blocklist", "not_bookable", "Please call us to book.") if rule_input.blocked else None


def daily_maximum(rule_input: RuleInput) -> Failure | None:
    """Not more than the branch takes in a day."""
    return DAY_FULL if _reached(rule_input.usages, {"branch"}) else None


def limits(rule_input: RuleInput) -> Failure | None:
    """Not more of a service, of a member of staff or for a customer than agreed, by day, week and month."""
    return LIMIT_REACHED if _reached(rule_input.usages, {"service", "staff", "customer"}) else None


def deposit(rule_input: RuleInput) -> Failure | None:
    """Only once what was paid covers the deposit, where one is asked for."""
    due = rule_input.policy.deposit_minor or 0
    if rule_input.paid_minor >= due:
        return None
    message = f"A deposit of {written(due, rule_input.schedule.branch.currency)} is required first."
    return Failure("deposit", "deposit_required", message, due)


def consultation(rule_input: RuleInput) -> Failure | None:
    """Only after a completed consultation, where the service requires one."""
    if rule_input.service.consultation_id is None or rule_input.consulted:
        return None
    found = [s.name for s in rule_input.schedule.services if s.id == rule_input.service.consultation_id]
    message = f"Book {found[0] if found else 'a consultation'} first; {rule_input.service.name} follows it."
    return Failure("consultation", "consultation_required", message)


DAY_FULL = Failure("daily_maximum", "day_full", "This day is fully booked.")
LIMIT_REACHED = Failure("limits", "limit_reached", "No more of these can be booked in this period.")
RULES: dict[RuleName, Check] = {
    "minimum_notice": minimum_notice,
    "maximum_advance": maximum_advance,
    "business_hours": business_hours,
    "staff_availability": staff_availability,
    "service_availability": service_availability,
    "blocklist": blocklist,
    "daily_maximum": daily_maximum,
    "limits": limits,
    "deposit": deposit,
    "consultation": consultation,
}


def failures(rule_input: RuleInput) -> list[Failure]:
    """Every rule that does not allow the booking, of those that are switched on."""
    checked = (check(rule_input) for name, check in RULES.items() if name not in rule_input.policy.off)
    return [failure for failure in checked if failure]


def full(usages: Sequence[LimitUsage]) -> list[Failure]:
    """The failures of the rules about limits alone, for what is moved."""
    named = ((DAY_FULL, {"branch"}), (LIMIT_REACHED, {"service", "staff", "customer"}))
    return [failure for failure, what in named if _reached(usages, what)]


def _reached(usages: Sequence[LimitUsage], what: set[str]) -> bool:
    return any(usage.what in what and usage.full for usage in usages)


def spoken(span: timedelta) -> str:
    """A length as people say it: 2 hours, 3 days, 90 minutes."""
    minutes = span // timedelta(minutes=1)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0 and minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "some time"


def described(failed: Sequence[Failure]) -> list[dict[str, Any]]:
    """The failures as a client gets them."""
    return [
        {
            "rule": one.rule,
            "code": one.code,
            "message": one.message,
            **({} if one.amount_minor is None else {"amount_minor": one.amount_minor}),
        }
        for one in failed
    ]
