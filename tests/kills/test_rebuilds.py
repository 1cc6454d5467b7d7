"""Kill a rebuild of the counters at any call: the next run goes on, and what it makes is a recount of the records."""

import random
from typing import Literal

import pytest

from chalicelib.analytics import rebuild_counters, store
from chalicelib.analytics.tables import AnalyticsRow
from chalicelib.core.clock import now
from infra.local.demo_practice import Practice
from tests.analytics.test_count_appointments import COMPANY, agree, change, count, made, new_unit
from tests.kills.dying import Death, run_dying


@pytest.mark.slow
def test_a_rebuild_that_dies_is_gone_on_with(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild_counters, "PAGE", 2)
    rng = random.Random(8)
    stand = [made(practice, rng) for _ in range(5)]
    for one in stand:
        count(one)

    def rebuild() -> None:
        list(rebuild_counters.rebuild(new_unit, COMPANY, now, lambda _: None))

    number, died = 0, True
    while died:
        number += 1
        # Every fifth call, before and after it in turn: all kinds of calls come several times in a rebuild.
        when: Literal["before", "after"] = "before" if number % 2 else "after"
        died = run_dying(rebuild, Death(when, 5 * number - 4))
        stand[number % 5] = change(stand[number % 5], rng)
        count(stand[number % 5])
        agree(stand, practice)
        rebuild()
        agree(stand, practice)
        state = store.get_state(COMPANY)
        assert (state.building, state.leftover) == (None, None)
        scopes = (store.ALL, *(branch.id for branch in practice.branches))
        counters = {row.pk for row in AnalyticsRow.scan() if row.pk.split("#")[1] in scopes}
        assert counters <= {f"{COMPANY}#{scope}#{state.generation}" for scope in scopes}
    assert number > 6
