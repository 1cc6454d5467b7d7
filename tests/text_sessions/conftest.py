"""A room, three sessions to spend."""

import pytest

from tests.conftest import EmbeddedAws
from tests.text_sessions.room import Room, furnish


@pytest.fixture
def room(aws: EmbeddedAws) -> Room:
    """Patient and doctor, whose time has come."""
    return furnish()
