"""Kill the process before and after every outside call of a booking, a move, a reassignment, a cancellation."""

from collections.abc import Callable

import pytest

from chalicelib.booking.appointments.appointment import Appointment
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.agreement import ours, recover
from tests.booking.test_changing import booked, call_off, move
from tests.calls.conftest import next_monday
from tests.integrations.calcom.agreement import assert_both_sides_agree, clear
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives

OPERATIONS: dict[str, Callable[[Appointment], object]] = {
    "reschedule": lambda made: move(made, next_monday(14)),
    "reassign": lambda made: move(made, made.starts_at, staff="Ben Okafor"),
    "cancel": call_off,
}


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_change_is_made_on_both_sides_or_on_none(
    through_calcom: Practice, calcom: CalComSimulator, operation: str
) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        made = booked(through_calcom, guest=tried)
        died = run_dying(lambda: OPERATIONS[operation](made), death)
        recover()
        assert_both_sides_agree(calcom)
        # Whoever asks once more gets it, exactly once.
        OPERATIONS[operation](made)
        recover()
        assert_both_sides_agree(calcom)
        (found,) = ours()
        wanted = {
            "reschedule": found.starts_at == next_monday(14),
            "reassign": found.staff_id == through_calcom.staff[1].id,
            "cancel": found.status == "cancelled",
        }
        assert wanted[operation]
        clear(calcom)
        return died

    calls = until_it_survives(case)
    print(f"{operation}: {calls} outside calls, {tried} deaths tried")
    assert calls >= 5


@pytest.mark.slow
def test_a_booking_through_the_api_is_whole_on_both_sides_or_on_none(
    through_calcom: Practice, calcom: CalComSimulator
) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        died = run_dying(lambda: booked(through_calcom, guest=tried), death)
        recover()
        assert_both_sides_agree(calcom)
        assert len([one for one in ours() if one.status == "confirmed"]) <= 1
        clear(calcom)
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 3
