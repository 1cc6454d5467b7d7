"""What the tests of core share."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core.rows import AuditRow
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, trial_area


@pytest.fixture
def doing(aws: EmbeddedAws) -> Iterator[Doing]:
    """The area `trial`, with queues to run its jobs from."""
    with trial_area() as made:
        yield made


@pytest.fixture
def made(aws: EmbeddedAws) -> Callable[[str], int]:
    """Counts what was really done."""
    return lambda action: sum(row.action == action for row in AuditRow.scan())


@pytest.fixture
def calls() -> Iterator[list[str]]:
    """Every call to AWS."""
    made: list[str] = []

    def note(when: str, call: str) -> None:
        if when == "before":
            made.append(call)

    aws_clients.call_hooks.append(note)
    yield made
    aws_clients.call_hooks.remove(note)
