"""Optimistic concurrency, written once: read, decide, commit; and again when another writer was faster."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from chalicelib.core.errors import Stale, Unavailable

TRIES = 24
"""How often one reads again on a record that many write; in each round at least one of them gets through."""
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.15
T = TypeVar("T")
BUSY, BUSY_DETAIL = "storage_busy", "Too much is happening to this record at once; try again in a moment."
pause: Callable[[float], None] = time.sleep
"""How one waits before the next try; at most 3 s in all. Tests replace it."""


def known_first(known: T, read: Callable[[], T]) -> Callable[[], T]:
    """Gives what has just been read, and what `read` reads when it is asked again: for attempts that save a reading."""
    left = [known]
    return lambda: left.pop() if left else read()


def until_committed(attempt: Callable[[], T], code: str = BUSY, detail: str = BUSY_DETAIL, *, tries: int = TRIES) -> T:
    """What `attempt` returns, which reads, decides and commits; it is called again while it ends in Stale.

    Raises whatever else `attempt` raises, and Unavailable with `code` and `detail` when it was Stale every time.
    """
    for number in range(tries):
        try:
            return attempt()
        except Stale:
            pause(random.uniform(0, min(FIRST_PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS)))
    raise Unavailable(code, detail)
