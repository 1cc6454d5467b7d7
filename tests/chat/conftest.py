"""A room whose noon was a minute ago by the real clock, which the endpoints go by; its session runs."""

from datetime import timedelta

import pytest

from chalicelib.core.clock import now
from tests.conftest import EmbeddedAws
from tests.text_sessions.room import Room, furnish


@pytest.fixture
def room(aws: EmbeddedAws) -> Room:
    """Patient and doctor in a session of the present."""
    room = furnish(starts_at=now() - timedelta(minutes=1))
    room.start()
    return room
