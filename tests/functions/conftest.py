"""What the tests of the doors of identity begin with."""

import pytest

from chalicelib.identity.user import User
from tests.conftest import EmbeddedAws
from tests.identity.office import Mailbox, StandingClock, open_office


@pytest.fixture
def clock() -> StandingClock:
    """Stands at the present instant until it is told to go forward."""
    return StandingClock()


@pytest.fixture
def mailbox(aws: EmbeddedAws) -> Mailbox:
    """What SES was given."""
    return Mailbox(aws)


@pytest.fixture
def admin(aws: EmbeddedAws, clock: StandingClock) -> User:
    """The admin of an otherwise empty company."""
    return open_office(clock)[1]
