"""Threads count the same appointments while these change and a rebuild runs: nothing is counted twice or forgotten."""

import random
from collections.abc import Callable

import pytest

from chalicelib.analytics import rebuild_counters, store
from chalicelib.core.clock import now
from chalicelib.core.errors import Stale, Unavailable
from infra.local.demo_practice import Practice
from tests.analytics.test_count_appointments import COMPANY, agree, change, count, made, new_unit
from tests.draining import drain
from tests.races.together import at_once
from tests.sizes import ROUNDS


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_counters_stand_the_crowd(practice: Practice, round_number: int) -> None:
    rng = random.Random(round_number)
    stand = [made(practice, rng) for _ in range(4)]

    def changing(number: int) -> Callable[[], None]:
        def work() -> None:
            for _ in range(3):
                stand[number] = change(stand[number], rng)
                again(number)

        return work

    def again(number: int) -> None:
        for _ in range(5):
            try:
                count(stand[number])
                return
            except Unavailable:  # the queue would bring it again
                continue

    def rebuild() -> None:
        list(rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None))

    works: list[Callable[[], object]] = [changing(number) for number in range(len(stand))]
    works += [lambda number=number: again(number) for number in range(len(stand)) for _ in range(2)]  # type: ignore[misc]
    outcomes = at_once(*works, rebuild, rebuild)
    assert all(outcome is None or isinstance(outcome, Stale) for outcome in outcomes)
    drain()
    agree(stand, practice)
    rebuild()
    agree(stand, practice)
    assert store.get_state(COMPANY).building is None
