"""Starting several at the same moment, and what comes of each."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import Any

import pytest

from chalicelib.core.errors import DomainError
from chalicelib.core.jobs import Postpone
from chalicelib.core.unit import Unit


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


def all_decide_before_any_commits(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """Let each of so many threads come as far as its first commit before one of them commits.

    So all of them decide on the same state, and whatever keeps them apart does so in the commit itself.
    """
    gate, own = Barrier(threads), local()
    commit = Unit.commit

    def wait_and_commit(unit: Unit, answer: Any = None) -> None:
        if not getattr(own, "waited", False):
            own.waited = True
            gate.wait(timeout=60)
        commit(unit, answer)

    monkeypatch.setattr(Unit, "commit", wait_and_commit)
