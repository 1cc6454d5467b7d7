"""Many who speak at once, while the clock charges and the system tells: every message has a number of its own."""

from functools import partial

import pytest

from chalicelib.chat import send_message, store, system_messages
from chalicelib.chat.jobs import Tell
from chalicelib.chat.message import Draft, Message
from chalicelib.core.jobs import JobContext
from chalicelib.text_sessions.session import ChatUser
from tests.conftest import EmbeddedAws
from tests.races.test_text_sessions import busy
from tests.races.together import at_once
from tests.sizes import ROUNDS
from tests.text_sessions.room import COMPANY, Room, furnish

EACH = 8


def say(room: Room, side: str, number: int) -> Message:
    user = room.patient if side == "patient" else room.doctor
    # Each message twice: a client that has lost the answer.
    draft = Draft(f"{side} {number // 2}", client_id=str(number // 2))
    return send_message.send(room.unit, ChatUser(COMPANY, user.id, room.appointment.id), draft, room.clock)


@pytest.mark.parametrize("round_number", range(ROUNDS))
def test_all_is_said_once_and_numbered_without_gaps(aws: EmbeddedAws, round_number: int) -> None:
    room = furnish(sessions=3)
    session = room.start().session
    room.active()
    room.after(10, seconds=30)
    job = Tell(
        company_id=COMPANY, appointment_id=room.appointment.id, session_id=session.id, code="ended", reason="expired"
    )
    context = JobContext("job", 1, False, "cor", COMPANY, room.clock)
    crowd = [partial(say, room, side, number) for side in ("patient", "doctor") for number in range(EACH)]
    outcomes = at_once(*crowd, room.tick, room.sweep, *[partial(system_messages.tell, job, context)] * 3)
    assert busy(outcomes) == []
    said = {outcome.id: outcome for outcome in outcomes if isinstance(outcome, Message)}
    assert len(said) == EACH
    messages, _ = store.news(COMPANY, room.appointment.id, 0, 100)
    assert [each.number for each in messages] == list(range(1, EACH + 2))
    assert {each.id for each in messages if each.sender != "system"} == set(said)
    assert room.session().messages == EACH + 1
    assert (room.session().sessions_used, room.left()) == (2, 1)
