"""What a session says of itself: when it is due, when the clock looks at it, and what activity makes of it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.text_sessions.meters import session
from tests.text_sessions.room import NOON

INSTANT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("interval", [1, 2, 7])
def test_interval_n_is_over_n_times_ten_minutes_after_the_start(interval: int) -> None:
    running = session(interval=interval)
    ends = NOON + interval * 10 * MINUTE
    assert running.next_charge_at == ends
    assert (running.due(ends - INSTANT), running.due(ends)) == (False, True)


def test_the_clock_looks_two_minutes_before_the_end_and_then_at_the_end() -> None:
    assert session().wakes_at == NOON + 8 * MINUTE
    assert session(notified_interval=1).wakes_at == NOON + 10 * MINUTE
    assert session(interval=2, notified_interval=1).wakes_at == NOON + 18 * MINUTE
    assert session(interval=3).notified() == session(interval=3, notified_interval=3)


def test_idle_since_is_said_of_those_who_have_not_written_from_then_on() -> None:
    assert session().idle_since(NOON)
    wrote = session(last_activity_time=NOON)
    assert (wrote.idle_since(NOON), wrote.idle_since(NOON + INSTANT)) == (False, True)


def test_the_first_activity_of_either_side_makes_the_reserved_interval_used() -> None:
    one = session().active("patient", NOON + MINUTE)
    assert one == session(has_patient_activity=True, last_activity_time=NOON + MINUTE, sessions_used=1)
    both = one.active("doctor", NOON + 2 * MINUTE)
    assert (both.has_patient_activity, both.has_doctor_activity, both.sessions_used) == (True, True, 1)
    assert both.last_activity_time == NOON + 2 * MINUTE
    other = session().active("doctor", NOON)
    assert (other.has_patient_activity, other.has_doctor_activity, other.has_activity) == (False, True, True)
    assert session(sessions_used=4).active("patient", NOON).sessions_used == 4
    assert not session().has_activity


def test_an_earlier_clock_does_not_take_activity_back() -> None:
    late = session(last_activity_time=NOON + 2 * MINUTE)
    assert late.active("doctor", NOON + MINUTE).last_activity_time == NOON + 2 * MINUTE


def test_messages_and_intervals_are_counted_one_by_one() -> None:
    assert session(messages=3).spoken() == session(messages=4)
    assert session(interval=2, sessions_used=2).charged() == session(interval=3, sessions_used=3)


@pytest.mark.parametrize("fields", [{}, {"sessions_used": 5}])
def test_an_end_says_when_why_and_what_it_came_to(fields: dict[str, Any]) -> None:
    over = session(**fields).ended("cancelled", NOON + MINUTE, used=1)
    assert over == session(ended_at=NOON + MINUTE, end_reason="cancelled", sessions_used=1)
    assert (over.is_active, over.is_ended) == (False, True)
    assert (session().is_active, session().is_ended) == (True, False)
