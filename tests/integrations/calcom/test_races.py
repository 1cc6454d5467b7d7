"""Several change one appointment at once: one of them wins, nobody is booked twice, and Cal.com says the same."""

from chalicelib.booking.jobs import PollCalCom
from chalicelib.core.clock import now
from chalicelib.core.errors import Conflict, Stale
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.integrations.calcom import news as calcom_news
from infra.local.demo_practice import Practice
from infra.local.simulators.calcom.simulator import CalComSimulator
from tests.booking.agreement import ours, recover
from tests.booking.test_changing import booked, call_off, events, move, taken
from tests.calls.conftest import next_monday
from tests.integrations.calcom.agreement import assert_both_sides_agree
from tests.races.test_changes import each_round, won
from tests.races.together import at_once

CONTEXT = JobContext("job", 1, False, "cor", PLATFORM, now)


@each_round
def test_many_move_one_appointment(through_calcom: Practice, calcom: CalComSimulator, round_number: int) -> None:
    made = booked(through_calcom)
    hours = range(11, 17)
    outcomes = at_once(*(lambda hour=hour: move(made, next_monday(hour), version=made.version) for hour in hours))
    assert len(won(outcomes)) == 1
    assert {o.code for o in outcomes if isinstance(o, Conflict)} <= {"stale_version", "change_pending"}
    recover()
    assert_both_sides_agree(calcom)
    assert len(taken(through_calcom, *ours())) == 1


@each_round
def test_moving_against_cancelling(through_calcom: Practice, calcom: CalComSimulator, round_number: int) -> None:
    made = booked(through_calcom)
    at_once(lambda: move(made, next_monday(14)), lambda: call_off(made), lambda: move(made, next_monday(15)))
    recover()
    (found,) = ours()
    assert found.pending_change is None
    assert_both_sides_agree(calcom)


@each_round
def test_news_of_our_own_change_against_our_own_confirmation(
    through_calcom: Practice, calcom: CalComSimulator, round_number: int
) -> None:
    made = booked(through_calcom)

    def poll() -> None:
        for _ in range(6):
            try:
                calcom_news.poll(PollCalCom(company_id=PLATFORM), CONTEXT)
            except Stale:
                continue  # another poll was faster; the queue would bring this one again

    outcomes = at_once(lambda: move(made, next_monday(14)), poll, poll)
    assert won(outcomes)[0].starts_at == next_monday(14)
    recover()
    assert_both_sides_agree(calcom)
    assert events().count("booking.AppointmentMoved") == 1
    assert [one.moves for one in ours()] == [1]
