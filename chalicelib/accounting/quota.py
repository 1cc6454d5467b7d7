"""A quota: the calls made to Fatture in Cloud for one of its companies, and whether it admits more."""

import math
from datetime import datetime

import msgspec

SLOT_SECONDS = 15
"""Calls are counted by slots of time. One counts until all of it is past, so what is admitted changes only with a new
slot: within one, any number of workers share a plain counter."""


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` within any `seconds`, which are whole slots."""

    seconds: int
    calls: int


LIMITS = (Limit(300, 300), Limit(3600, 1000))
"""FIC's limits per company, from its page on limits and quotas. It counts in windows of its own, which begin we do not
know when; what holds for any stretch of time holds for those."""
_LONGEST = max(limit.seconds for limit in LIMITS)


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """`earlier`: number of a slot (seconds since 1970 / 15) and the calls made in it, the oldest first.

    `slot` is the latest, which began with `admitted` calls to make, of which `left` are left.
    """

    earlier: tuple[tuple[int, int], ...] = ()
    slot: int = -1
    admitted: int = 0
    left: int = 0

    def at(self, instant: datetime) -> "Quota":
        """In the slot of that instant; a clock that is behind the last caller's is in the slot of that one."""
        now = int(instant.timestamp() // SLOT_SECONDS)
        if now <= self.slot:
            return self
        begins = now * SLOT_SECONDS
        earlier = tuple((number, made) for number, made in self._slots() if _counts(number, _LONGEST, begins))
        admitted = min(limit.calls - _made(earlier, limit, begins) for limit in LIMITS)
        return Quota(earlier=earlier, slot=now, admitted=admitted, left=admitted)

    def taken(self, calls: int) -> "Quota":
        """After `calls` more in this slot."""
        return msgspec.structs.replace(self, left=self.left - calls)

    def wait(self, calls: int, instant: datetime) -> int:
        """Whole seconds until `calls` more are within every limit; 0: now. ValueError for more than any admits."""
        now = max(instant.timestamp(), float(self.slot * SLOT_SECONDS))
        return max(self._wait(calls, limit, now) for limit in LIMITS)

    def _wait(self, calls: int, limit: Limit, now: float) -> int:
        if calls > limit.calls:
            raise ValueError(f"{calls} calls are more than any {limit.seconds} seconds admit")
        slots = self._slots()
        over = _made(slots, limit, now) + calls - limit.calls
        if over <= 0:
            return 0
        for number, made in slots:
            if _counts(number, limit.seconds, now):
                over -= made
                if over <= 0:
                    return math.ceil((number + 1) * SLOT_SECONDS + limit.seconds - now)
        raise AssertionError("what is over was counted")

    def _slots(self) -> tuple[tuple[int, int], ...]:
        made = self.admitted - self.left
        return (*self.earlier, (self.slot, made)) if made else self.earlier


def _made(slots: tuple[tuple[int, int], ...], limit: Limit, now: float) -> int:
    return sum(made for number, made in slots if _counts(number, limit.seconds, now))


def _counts(slot: int, seconds: int, now: float) -> bool:
    return (slot + 1) * SLOT_SECONDS > now - seconds
