"""The rules of booking: each its own small class; all failures of a booking come back together.

A rule is switched off by `Policy.off`, parametrised by the policy of service and branch, and may be overridden by
staff who hold the ability, which is audited. Whether the time is free is not a rule: nobody overrides that.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

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


class Rule(ABC):
    """Subclasses name themselves and say why a booking fails, or None."""

    name: ClassVar[RuleName]

    @abstractmethod
    def check(self, rule_input: RuleInput) -> Failure | None:
        """The failure, or None."""

    def failed(self, code: str, message: str) -> Failure:
        """A failure of this rule."""
        return Failure(self.name, code, message)


class MinimumNotice(Rule):
    """Not at the last minute."""

    name = "minimum_notice"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The start is at least the notice ahead."""
        notice = timedelta(minutes=rule_input.policy.minimum_notice_min or 0)
        if rule_input.starts_at >= rule_input.now + notice:
            return None
        return self.failed("too_soon", f"Book at least {spoken(notice)} ahead.")


class MaximumAdvance(Rule):
    """Not further ahead than the practice plans."""

    name = "maximum_advance"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The start is within the days that may be booked, on the branch's calendar."""
        days = rule_input.policy.maximum_advance_days or 0
        today = rule_input.now.astimezone(rule_input.schedule.branch.clock()).date()
        if not days or rule_input.day <= today + timedelta(days=days):
            return None
        return self.failed("too_far_ahead", f"Times are bookable up to {days} days ahead.")


class BusinessHours(Rule):
    """While the branch is open."""

    name = "business_hours"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The appointment lies within one stretch of the branch's hours."""
        if rule_input.within(rule_input.schedule.open_around(rule_input.day)):
            return None
        return self.failed("closed", f"{rule_input.schedule.branch.name} is closed at this time.")


class StaffAvailability(Rule):
    """While someone able works."""

    name = "staff_availability"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """At least one of those asked for works then and has valid skills."""
        able = [member for member in rule_input.staff if member.can(rule_input.service.skills, rule_input.day)]
        if not able:
            return self.failed("no_one_able", "Nobody with the required skills is there.")
        if any(works(rule_input, member) for member in able):
            return None
        return self.failed("not_working", "Nobody who does this works at this time.")


class ServiceAvailability(Rule):
    """Only what is offered, in lengths that it has."""

    name = "service_availability"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The length is one of the service's."""
        length = (rule_input.ends_at - rule_input.starts_at) // timedelta(minutes=1)
        service = rule_input.service
        if service.category == "package" or length == service.duration_min:
            return None
        if service.category == "flexible" and service.longest_min:
            steps = (length - service.duration_min) % service.slot_interval_min == 0
            if service.duration_min <= length <= service.longest_min and steps:
                return None
        return self.failed("length_not_offered", f"{service.name} is not offered with {length} minutes.")


class Blocklist(Rule):
    """Not for customers the practice has blocked; the sentence does not say so."""

    name = "blocklist"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The customer is not blocked."""
        return self.failed("not_bookable", "Please call us to book.") if rule_input.blocked else None


class DailyMaximum(Rule):
    """Not more than the branch takes in a day."""

    name = "daily_maximum"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The branch's day is not full."""
        return self.full() if _reached(rule_input, {"branch"}) else None

    def full(self) -> Failure:
        """The day is full."""
        return self.failed("day_full", "This day is fully booked.")


class WithinLimits(Rule):
    """Not more of a service, of a member of staff or for a customer than agreed, by day, week and month."""

    name = "limits"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """No limit is reached."""
        return self.full() if _reached(rule_input, {"service", "staff", "customer"}) else None

    def full(self) -> Failure:
        """A limit is reached."""
        return self.failed("limit_reached", "No more of these can be booked in this period.")


class DepositPaid(Rule):
    """A deposit where one is asked for."""

    name = "deposit"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """What was paid covers the deposit."""
        deposit = rule_input.policy.deposit_minor or 0
        if rule_input.paid_minor >= deposit:
            return None
        amount = written(deposit, rule_input.schedule.branch.currency)
        return Failure(self.name, "deposit_required", f"A deposit of {amount} is required first.", deposit)


class Consultation(Rule):
    """Only after a completed consultation, where the service requires one."""

    name = "consultation"

    def check(self, rule_input: RuleInput) -> Failure | None:
        """The customer has completed it."""
        if rule_input.service.consultation_id is None or rule_input.consulted:
            return None
        found = [s.name for s in rule_input.schedule.services if s.id == rule_input.service.consultation_id]
        first = found[0] if found else "a consultation"
        return self.failed("consultation_required", f"Book {first} first; {rule_input.service.name} follows it.")


RULES: dict[RuleName, Rule] = {
    rule.name: rule
    for rule in (
        MinimumNotice(), MaximumAdvance(), BusinessHours(), StaffAvailability(), ServiceAvailability(), Blocklist(),
        DailyMaximum(), WithinLimits(), DepositPaid(), Consultation(),
    )
}  # fmt: skip


def failures(rule_input: RuleInput) -> list[Failure]:
    """Every rule that does not allow the booking, of those that are switched on."""
    checked = (rule.check(rule_input) for name, rule in RULES.items() if name not in rule_input.policy.off)
    return [failure for failure in checked if failure]


def works(rule_input: RuleInput, member: Staff) -> bool:
    """Whether the appointment lies in the member's working hours; shifts that touch at midnight are one."""
    return rule_input.within(rule_input.schedule.windows_around(member, rule_input.day))


def full(usages: Iterable[LimitUsage]) -> list[Failure]:
    """The failures of the rules about limits alone, for what is moved."""
    failed: list[Failure] = []
    reached = {usage.what for usage in usages if usage.full}
    if "branch" in reached:
        failed.append(DailyMaximum().full())
    if reached - {"branch"}:
        failed.append(WithinLimits().full())
    return failed


def _reached(rule_input: RuleInput, what: set[str]) -> bool:
    return any(usage.what in what and usage.full for usage in rule_input.usages)


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
