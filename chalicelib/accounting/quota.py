"""A quota: the calls made to Fatture in Cloud for one of its companies, and whether it admits more."""

import math
from datetime import datetime

import msgspec

SLOT_SECONDS = 15
"""Calls are counted by slots of time, so that what an hour held stays small; a slot counts until its end is past."""


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` within any `seconds`."""

    seconds: int
    calls: int


LIMITS = (Limit(300, 300), Limit(3600, 1000))
"""FIC's limits per company, from its page on limits and quotas. It counts in windows of its own, which begin we do not
know when; what holds for any stretch of time holds for those."""


class Quota(msgspec.Struct, frozen=True):
    """`slots`: number of the slot (seconds since 1970 / 15) and calls made in it, the oldest first."""

    slots: tuple[tuple[int, int], ...] = ()

    def wait(self, calls: int, at: datetime) -> int:
        """Whole seconds until `calls` more are within every limit; 0: now."""
        return max(self._wait(calls, limit, at.timestamp()) for limit in LIMITS)

    def taken(self, calls: int, at: datetime) -> "Quota":
        """After `calls` more, without what no limit looks at any longer."""
        now = at.timestamp()
        slot = int(now // SLOT_SECONDS)
        longest = max(limit.seconds for limit in LIMITS)
        counted = {number: made for number, made in self.slots if _counts(number, longest, now)}
        counted[slot] = counted.get(slot, 0) + calls
        return Quota(tuple(sorted(counted.items())))

    def left(self, at: datetime) -> int:
        """How many calls could be made at once."""
        now = at.timestamp()
        return min(limit.calls - self._made(limit, now) for limit in LIMITS)

    def _made(self, limit: Limit, now: float) -> int:
        return sum(made for number, made in self.slots if _counts(number, limit.seconds, now))

    def _wait(self, calls: int, limit: Limit, now: float) -> int:
        if calls > limit.calls:
            raise ValueError(f"{calls} calls are more than any {limit.seconds} seconds admit")
        over = self._made(limit, now) + calls - limit.calls
        if over <= 0:
            return 0
        for number, made in self.slots:
            if _counts(number, limit.seconds, now):
                over -= made
                if over <= 0:
                    return math.ceil((number + 1) * SLOT_SECONDS + limit.seconds - now)
        raise AssertionError("what is over was counted")


def _counts(slot: int, seconds: int, now: float) -> bool:
    return (slot + 1) * SLOT_SECONDS > now - seconds
