"""Several want one time at once: one of them gets it."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.errors import Conflict
from infra.local.demo_practice import Practice
from tests.booking.agreement import ours
from tests.booking.test_changing import booked, move, taken
from tests.calls.conftest import next_monday
from tests.races.together import at_once
from tests.sizes import ROUNDS

each_round = pytest.mark.parametrize("round_number", range(ROUNDS))


def won(outcomes: list[Any]) -> list[Appointment]:
    return [outcome for outcome in outcomes if isinstance(outcome, Appointment)]


@each_round
def test_many_want_the_same_new_time(practice: Practice, round_number: int) -> None:
    starts = [next_monday(9) + timedelta(minutes=30 * n) for n in range(8)]
    made = [booked(practice, start.hour, guest=n) if not start.minute else None for n, start in enumerate(starts)]
    mine = [one for one in made if one]
    outcomes = at_once(*(lambda one=one: move(one, next_monday(15)) for one in mine))
    assert len(won(outcomes)) == 1
    assert {o.code for o in outcomes if isinstance(o, Conflict)} == {"slot_taken"}
    assert len(taken(practice, *ours())) == len(mine)
