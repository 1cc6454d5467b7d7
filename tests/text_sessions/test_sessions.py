"""Sessions by the clock: what starts, is charged, ends and is given back, and what is told on the way."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.core.errors import DomainError
from chalicelib.core.jobs import Postpone
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.text_sessions import manage_subscription, session_status, store
from chalicelib.text_sessions.manage_subscription import Correction
from chalicelib.text_sessions.session import ChatUser
from tests.conftest import EmbeddedAws
from tests.text_sessions.room import COMPANY, NOON, Room, furnish


def code_of(work: Callable[[], object]) -> str:
    """The code with which it is refused."""
    with pytest.raises(DomainError) as refused:
        work()
    return refused.value.code


def events() -> list[str]:
    """The events so far, without jobs."""
    rows = sorted(OutboxRow.scan(), key=lambda row: row.event_id)
    return [row.type.partition(".")[2] for row in rows if row.type.startswith("text_sessions.Session")]


def test_the_first_interval_is_reserved_and_counts_with_the_first_activity(room: Room) -> None:
    assert room.start().account.left == 2
    assert room.session().sessions_used == 0
    room.after(1)
    assert room.active("doctor").sessions_used == 1
    room.after(2)
    session = room.active("patient")
    assert (session.sessions_used, session.has_doctor_activity, session.has_patient_activity) == (1, True, True)
    assert session.last_activity_time == room.at
    assert room.left() == 2
    assert store.ledger(COMPANY, room.subscription.id)[-1].reason == "reservation"


def test_a_second_start_answers_the_running_session(room: Room) -> None:
    first = room.start()
    room.after(5)
    second = room.start("doctor")
    assert (second.session.id, second.account.left) == (first.session.id, 2)
    assert room.left() == 2


def test_each_interval_is_charged_at_its_start(room: Room) -> None:
    room.start()
    room.active()
    for minutes, used in ((10, 2), (20, 3)):
        room.after(minutes)
        room.tick()
        assert room.session().sessions_used == used
    assert room.left() == 0
    assert [e.interval for e in store.ledger(COMPANY, room.subscription.id)] == [None, 1, 2, 3]


def test_nobody_came(room: Room) -> None:
    room.start()
    room.after(10)
    room.tick()
    session = room.session()
    assert (session.end_reason, session.ended_at, session.sessions_used) == ("no_activity", room.at, 0)
    assert room.left() == 3
    assert store.ledger(COMPANY, room.subscription.id)[-1].reason == "given_back"


def test_a_plan_may_charge_who_does_not_come(aws: EmbeddedAws) -> None:
    room = furnish(no_show_charged=True)
    room.start()
    room.after(10)
    room.tick()
    assert (room.session().end_reason, room.session().sessions_used, room.left()) == ("no_activity", 1, 2)


def test_with_none_left_it_ends_and_both_were_told(aws: EmbeddedAws) -> None:
    room = furnish(sessions=1)
    room.start()
    room.active()
    room.after(7, seconds=59)
    with pytest.raises(Postpone) as wait:
        room.tick()
    assert wait.value.seconds == 1
    room.after(8)
    with pytest.raises(Postpone) as wait:
        room.tick()
    assert wait.value.seconds == 120
    with pytest.raises(Postpone):
        room.tick()
    assert events() == ["SessionStarted", "SessionEndingSoon"]
    room.after(10)
    room.tick()
    assert events() == ["SessionStarted", "SessionEndingSoon", "SessionEnded"]
    session = room.session()
    assert (session.end_reason, session.ended_at, room.left()) == ("none_left", room.at, 0)


def test_what_is_granted_after_the_notice_lets_it_go_on(aws: EmbeddedAws) -> None:
    room = furnish(sessions=1)
    room.start()
    room.active()
    room.after(8)
    with pytest.raises(Postpone):
        room.tick()
    manage_subscription.grant(lambda: Unit(COMPANY), room.subscription.id, Correction(1, "Bought"), room.clock)
    room.after(10)
    room.tick()
    assert room.session().is_active
    assert room.left() == 0


def test_within_its_time_silence_costs_and_after_it_silence_ends_it(aws: EmbeddedAws) -> None:
    room = furnish(sessions=20)
    room.start()
    room.active()
    for minutes in range(10, 60, 10):
        room.after(minutes)
        room.tick()
    assert room.session().sessions_used == 6
    room.after(60)
    room.tick()
    assert (room.session().end_reason, room.session().sessions_used, room.left()) == ("expired", 6, 14)


def test_who_still_writes_goes_on_after_the_planned_time(aws: EmbeddedAws) -> None:
    room = furnish(sessions=20)
    room.start()
    for minutes in range(0, 90, 5):
        room.after(minutes)
        room.active()
    assert (room.session().is_active, room.session().sessions_used) == (True, 9)
    room.after(110)
    room.sweep()
    assert (room.session().end_reason, room.session().ended_at) == ("expired", NOON + timedelta(minutes=100))
    assert room.left() == 10


@pytest.mark.parametrize("late", [0, 5, 35])
def test_a_tick_that_was_lost_changes_nothing(aws: EmbeddedAws, late: int) -> None:
    room = furnish(sessions=4)
    room.start()
    room.active()
    room.after(30 + late)
    room.sweep()
    room.sweep()
    session = room.session()
    assert (session.sessions_used, room.left()) == (4, 0)
    assert session.ended_at == (NOON + timedelta(minutes=40) if late >= 10 else None)


def test_a_sweep_leaves_ticks_time_and_tells_in_their_place(aws: EmbeddedAws) -> None:
    room = furnish(sessions=1)
    room.start()
    room.active()
    room.after(8, seconds=10)
    assert room.sweep() == 0
    room.after(8, seconds=30)
    assert (room.sweep(), room.sweep()) == (1, 0)
    assert events()[-1] == "SessionEndingSoon"
    room.after(10, seconds=10)
    assert room.sweep() == 0
    room.after(10, seconds=21)
    assert (room.sweep(), room.session().end_reason) == (1, "none_left")


def test_a_browser_may_hasten_and_nothing_else(room: Room) -> None:
    room.start()
    room.active()
    room.after(9)
    assert [room.deduct(requested).charged for requested in (0, 1, 100)] == [0, 0, 0]
    room.after(10)
    assert (room.deduct(100).charged, room.deduct().charged) == (1, 0)
    room.tick(interval=1)
    assert (room.session().sessions_used, room.left()) == (2, 1)


def test_a_browser_hastens_the_end_of_what_nobody_came_to(room: Room) -> None:
    room.start()
    room.after(10)
    settled = room.deduct()
    assert (settled.after.session.end_reason, settled.charged, settled.after.account.left) == ("no_activity", 0, 3)
    assert code_of(room.deduct) == "session_ended"


def test_ending_takes_what_is_due_and_no_more(room: Room) -> None:
    room.start()
    room.active()
    room.after(11)
    settled = room.end("doctor")
    assert (settled.charged, settled.after.session.sessions_used, settled.after.account.left) == (1, 2, 1)
    assert (settled.after.session.end_reason, settled.after.session.ended_at) == ("manual_end", room.at)
    for work in (room.end, room.active, room.deduct, room.start):
        assert code_of(work) == "session_ended"
    assert room.left() == 1


def test_ending_before_anybody_wrote_costs_nothing(room: Room) -> None:
    room.start()
    room.after(3)
    assert room.end().after.account.left == 3
    assert room.left() == 3


def test_who_ends_what_the_clock_has_ended_learns_how_it_ended(room: Room) -> None:
    room.start()
    room.after(12)
    ended = room.end().after.session
    assert (ended.end_reason, ended.ended_at) == ("no_activity", NOON + timedelta(minutes=10))
    assert room.left() == 3


def test_activity_after_the_clock_has_ended_it_is_refused(room: Room) -> None:
    room.start()
    room.after(10)
    assert code_of(room.active) == "session_ended"
    assert (room.session().end_reason, room.left()) == ("no_activity", 3)


def test_activity_brings_the_charges_up_to_date(room: Room) -> None:
    room.start()
    room.active()
    room.after(21)
    assert room.active("doctor").sessions_used == 3
    assert room.left() == 0


def test_who_comes_late_may_start_again(room: Room) -> None:
    first = room.start().session
    room.after(15)
    second = room.start().session
    assert (second.id != first.id, second.start_time, room.left()) == (True, room.at, 2)
    past = store.find_session(COMPANY, first.id)
    assert past is not None
    assert past.end_reason == "no_activity"
    room.after(16)
    assert room.active().sessions_used == 1


def test_what_only_the_clock_knows_is_shown(room: Room) -> None:
    room.start()
    room.active()
    room.after(12)
    shown = session_status.look(ChatUser(COMPANY, room.patient.id, room.appointment.id), room.clock)
    assert shown is not None
    assert (shown.session.sessions_used, shown.account.left) == (2, 1)
    assert room.session().sessions_used == 1
