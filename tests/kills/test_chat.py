"""Kill a function while it sends a message: sent again, it is said once, and paid for once."""

import pytest

from chalicelib.chat import send_message, store
from chalicelib.chat.message import Draft
from chalicelib.text_sessions.session import ChatUser
from tests.conftest import EmbeddedAws
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives
from tests.text_sessions.room import COMPANY, furnish


@pytest.mark.slow
def test_a_message_is_said_once_whatever_dies(aws: EmbeddedAws) -> None:
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        room = furnish(number=tried)
        tried += 1
        room.start()
        room.active()
        room.after(10, seconds=1)

        def say() -> None:
            draft, who = Draft("Good morning", client_id="c1"), ChatUser(COMPANY, room.doctor.id, room.appointment.id)
            send_message.send(room.unit, who, draft, room.clock)

        died = run_dying(say, death)
        say()  # the client has heard nothing, and sends it again
        messages, _ = store.news(COMPANY, room.appointment.id, 0, 50)
        assert [(each.number, each.text) for each in messages] == [(1, "Good morning")]
        assert (room.session().messages, room.session().sessions_used, room.left()) == (1, 2, 1)
        return died

    assert until_it_survives(case) >= 3
