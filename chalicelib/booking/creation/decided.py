"""What was decided on: which service, on whose word, and who does it when and where."""

from collections.abc import Sequence
from datetime import date

import msgspec

from chalicelib.booking.allocation.choose import Choice, PartPlacement
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.practice.models import GeoAddress, Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import rules
from chalicelib.booking.rules.limits import Counter, LimitQuery
from chalicelib.booking.rules.rules import Failure, RuleInput
from chalicelib.booking.rules.verdict import Verdict

OFF_THE_GRID = Failure("service_availability", "off_the_grid", "Appointments begin at the times that are offered.")


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """It can be booked so. `service`: what was asked for, maybe a package, with the length asked for.

    `parts`: of a package, in order; else the whole appointment. `address`: the customer's, of a mobile service.
    """

    service: Service
    verdict: Verdict
    day: date
    parts: tuple[PartPlacement, ...]
    address: GeoAddress | None = None

    @property
    def waits(self) -> bool:
        """Whether it is only requested: until someone approves it, or its deposit is paid."""
        return bool(self.verdict.policy.needs_approval) or self.verdict.awaits_deposit

    def counters(self, schedule: Schedule, customer_id: str | None) -> list[Counter]:
        """What it counts to: as one booking, of its service and of everyone who takes part."""
        return LimitQuery(schedule, self.service, team(self.parts), customer_id, self.day).counters()


class Decision(Decided, frozen=True, kw_only=True):
    """Of one appointment: the calendars it takes time of, and what it takes of each."""

    choice: Choice
    entry: Entry


def team(parts: Sequence[PartPlacement]) -> list[Staff]:
    """Everyone who takes part, each once."""
    return list({part.staff.id: part.staff for part in parts}.values())


def judged(context: BookingContext, rule_input: RuleInput) -> Verdict:
    """What the rules say."""
    request, failed = context.request, rules.failures(rule_input)
    # Only here can a request wait: a provider confirms by itself.
    pays_later = (request.visitor or request.pays_later) and context.schedule.branch.provider is None
    return Verdict(
        policy=rule_input.policy,
        failed=tuple(failed),
        override=request.override,
        awaits_deposit=pays_later and any(failure.rule == "deposit" for failure in failed),
    )
