"""What the tests of core share."""

from collections.abc import Iterator

import pytest

from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, trial_area


@pytest.fixture
def doing(aws: EmbeddedAws) -> Iterator[Doing]:
    """The area `trial`, with queues to run its jobs from."""
    with trial_area() as made:
        yield made
