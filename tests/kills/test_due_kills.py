"""Kill the sweep and the worker before and after every outside call: a due job is done all the same, under one id."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import aws as aws_clients
from chalicelib.core import due
from chalicelib.core.due_rows import HAND_AGAIN
from chalicelib.core.jobs import JobContext
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from tests.conftest import EmbeddedAws
from tests.core.trial_area import Doing, Try, count, trial_area, work_once
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives

NOON = datetime(2031, 3, 30, 12, tzinfo=UTC)
COMPANY = "com_1"
pytestmark = pytest.mark.slow


@pytest.fixture
def doing(aws: EmbeddedAws) -> Iterator[Doing]:
    messages_come_back_at_once()
    with trial_area() as made:
        made.behaviour = _note
        yield made


def _note(job: Try, context: JobContext) -> None:
    """The job's effect, which is there once however often it runs; one outside call."""
    aws_clients.client("sqs").tag_queue(QueueUrl=settings().queue_url("sync"), Tags={job.what: context.id})


def effects() -> dict[str, str]:
    """What was done, by name, with the id it was done under."""
    found = aws_clients.client("sqs").list_queue_tags(QueueUrl=settings().queue_url("sync"))
    return dict(found.get("Tags", {}))


def schedule(key: str) -> str:
    unit = Unit(COMPANY, clock=lambda: NOON - timedelta(hours=1))
    made = unit.schedule(Try(company_id=COMPANY, what=key), NOON, key)
    unit.commit()
    return made


def recover() -> None:
    """What the minutes after bring: sweeps, and workers."""
    for minutes in (0, 1, 2, 4, 8):
        due.sweep(lambda minutes=minutes: NOON + minutes * HAND_AGAIN)  # type: ignore[misc]
        while count()["waiting"]:
            work_once()


def test_whatever_dies_it_is_done(doing: Doing) -> None:
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        key = f"k{tried}"
        made = schedule(key)

        def work() -> None:
            due.sweep(lambda: NOON)
            work_once()

        died = run_dying(work, death)
        recover()
        assert effects().get(key) == made
        assert due.of_company(COMPANY, limit=10).data == []
        return died

    assert until_it_survives(case) > 10
