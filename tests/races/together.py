"""Starting several at the same moment, and what comes of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from chalicelib.core.errors import DomainError
from chalicelib.core.jobs import Postpone


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """The outcome (result, DomainError or Postpone) of each, all started at the same moment."""
    gate = Barrier(len(works))

    def one(work: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return work()
        except (DomainError, Postpone) as outcome:
            return outcome

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def many_at_once(work: Callable[[int], Any], threads: int) -> list[Any]:
    """The outcome of `work(0)`, `work(1)`, …, all started at the same moment."""
    return at_once(*(lambda number=number: work(number) for number in range(threads)))
