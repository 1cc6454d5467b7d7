"""Throttling of public doors: how often one address may come through within a window of time."""

import hashlib
from datetime import timedelta

from chalicelib.core.clock import Clock, epoch
from chalicelib.core.errors import RateLimited
from chalicelib.core.rows import GuardRow
from chalicelib.core.unit import Unit

WINDOW = timedelta(minutes=1)


def allow(what: str, address: str, most: int, clock: Clock, window: timedelta = WINDOW) -> None:
    """Count one more of `what` from this address; raises RateLimited above `most` in the present window. One write.

    Windows begin at round times, so that counting takes no read.
    """
    at, length = epoch(clock()), int(window.total_seconds())
    began = at - at % length
    wait = RateLimited("too_many_requests", "Too many requests; wait a moment.", retry_after=began + length - at)
    unit = Unit("", clock=clock)
    row = GuardRow(f"#throttle#{what}#{digest(address)}#{began}", "guard")
    changes = [GuardRow.tally.add(1), GuardRow.expires_at.set(began + 2 * length)]
    unit.update(row, changes, GuardRow.tally.does_not_exist() | (GuardRow.tally < most), wait)
    unit.commit()


def digest(address: str) -> str:
    """An address as a key: what is stored shall not say where someone lives on the net."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]
