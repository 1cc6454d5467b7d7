"""What the rules say of a booking, and what of it is overridden."""

from collections.abc import Collection, Sequence

import msgspec

from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.rules import Failure

LIMITS: frozenset[RuleName] = frozenset({"limits", "daily_maximum"})


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`failed`: every rule that does not allow it; `override`: rules that are not to matter.

    `awaits_deposit`: it may be booked though its deposit is not paid, and stands once that was done.
    """

    policy: Policy = Policy()
    failed: tuple[Failure, ...] = ()
    override: Collection[RuleName] = ()
    awaits_deposit: bool = False

    @property
    def refused(self) -> tuple[Failure, ...]:
        """What is in the way."""
        excused = {*self.override, "deposit"} if self.awaits_deposit else self.override
        return tuple(failure for failure in self.failed if failure.rule not in excused)

    @property
    def overridden(self) -> tuple[RuleName, ...]:
        """Rules that would have refused it, each once."""
        return tuple(dict.fromkeys(failure.rule for failure in self.failed if failure.rule in self.override))

    @property
    def any_hours(self) -> bool:
        """Whether working hours and skills do not matter."""
        return "staff_availability" in {*self.policy.off, *self.overridden}

    @property
    def unlimited(self) -> bool:
        """Whether a limit may be exceeded."""
        return bool(LIMITS.intersection(self.overridden))

    def with_room(self, staff: Sequence[Staff], facts: RuleFacts) -> Sequence[Staff]:
        """Who of them may take it, as far as limits go."""
        return staff if "limits" in {*self.policy.off, *self.overridden} else facts.with_room(staff)

    def audit_details(self) -> dict[str, str]:
        """What the history says of it."""
        return {"overridden": ",".join(self.overridden)} if self.overridden else {}
