"""Kill the process before and after every outside call; after recovery nothing is lost, doubled or half done."""

import os
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from chalicelib.calls.tables import CallRow
from chalicelib.core import aws, relay
from chalicelib.core.clock import now
from chalicelib.core.queues import NAMED_QUEUES
from chalicelib.core.rows import FailedJobRow, OutboxRow
from chalicelib.core.settings import settings
from infra.local.demo_practice import Practice
from tests.calls.conftest import signed
from tests.draining import drain
from tests.kills.dying import Death, run_dying
from tests.sizes import EVERY_MOMENT

MOST = 40
STEP = 4
WAYS: tuple[Literal["before", "after"], ...] = ("before", "after")


def until_it_survives(case: Callable[[Death], bool]) -> int:
    """Try every moment of dying, each n before and after; returns how many outside calls the work makes.

    `make test` tries every fourth n, before or after, from where chance begins.
    """
    for number in range(1, MOST) if EVERY_MOMENT else range(random.randint(1, STEP), MOST, STEP):
        ways = WAYS if EVERY_MOMENT else (random.choice(WAYS),)
        deaths = [Death(when, number) for when in ways]
        if not any([case(death) for death in deaths]):
            return number - 1 if EVERY_MOMENT else deaths[0].calls_made
    raise AssertionError(f"more than {MOST} outside calls")


def messages_come_back_at_once() -> None:
    """What a dead worker had received is there again at once, instead of after six minutes."""
    for queue in NAMED_QUEUES:
        url = settings().queue_url(queue)
        aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "0"})


@pytest.mark.slow
def test_every_events_jobs_are_done_whatever_dies(practice: Practice) -> None:
    messages_come_back_at_once()
    tried = 0

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        call_id = f"retell-{tried}"
        event = {"event": "call_started", "call": {"call_id": call_id, "to_number": "+493055501000"}}
        accepted = os.pipe()

        def work() -> None:
            assert signed("/webhooks/retell", event).status == 204
            os.write(accepted[1], b"y")
            drain()

        died = run_dying(work, death)
        os.close(accepted[1])
        answered = os.read(accepted[0], 1)
        os.close(accepted[0])
        if not answered:  # Retell got no 2xx, so it sends again
            assert signed("/webhooks/retell", event).status == 204
        relay.sweep(now() + timedelta(minutes=5))
        drain()
        assert [row.pending for row in OutboxRow.scan() if row.pending] == []
        assert len([row for row in CallRow.scan() if row.data and call_id in row.data]) == 1
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 6
    assert list(FailedJobRow.scan()) == []
