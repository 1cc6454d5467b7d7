"""A clock that stands still, an office, and its mailbox."""

import pytest

from chalicelib.identity.user import User
from tests.conftest import EmbeddedAws
from tests.identity.office import FixedClock, Mailbox, open_office


@pytest.fixture
def clock() -> FixedClock:
    """Stands at the present instant until it is told to go forward."""
    return FixedClock()


@pytest.fixture
def mailbox(aws: EmbeddedAws) -> Mailbox:
    """What SES was given."""
    return Mailbox(aws)


@pytest.fixture
def admin(aws: EmbeddedAws, clock: FixedClock) -> User:
    """The admin of an otherwise empty company."""
    return open_office(clock)[1]
