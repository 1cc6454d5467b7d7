"""The workers of named queues on one machine: core's worker, but calling the very entries that Lambda calls."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.core.doors import Door
from chalicelib.core.logging import log
from chalicelib.core.queues import DEAD
from chalicelib.core.worker import BURY_EVERY_SECONDS, PAUSE_SECONDS, POLL_SECONDS, deliver
from infra.local.invocation import doors_of, invoke


def run_worker(queues: Sequence[str], stop: threading.Event) -> None:
    """Work off `queues` until `stop`, the first before the second and so on, and bury their dead messages.

    The messages in hand are finished first. Raises ValueError for a queue that no door consumes.
    """
    living, dead = consumers(queues), consumers(queues, dead=True)
    bury_at, poll = 0.0, 0
    while not stop.is_set():
        try:
            if time.monotonic() >= bury_at:
                for door in dead:
                    while hand_over(door):
                        continue
                bury_at = time.monotonic() + BURY_EVERY_SECONDS
            poll = 0 if _first(living, poll) else POLL_SECONDS
        except (BotoCoreError, ClientError) as error:
            log.warning("queue unreachable", extra={"queues": list(queues), "why": str(error)})
            stop.wait(PAUSE_SECONDS)


def consumers(queues: Sequence[str], *, dead: bool = False) -> list[Door]:
    """The doors that consume these queues (or their dead-letter queues), in this order."""
    by_queue = {door.queue: door for door in doors_of("queue") if door.dead == dead}
    missing = [queue for queue in queues if queue not in by_queue]
    if missing:
        raise ValueError(f"No such queue: {', '.join(missing)}. There are {', '.join(sorted(by_queue))}.")
    return [by_queue[queue] for queue in queues]


def hand_over(door: Door, poll_seconds: int = 0) -> int:
    """Let the door's Lambda have its queue's next batch; returns how many messages there were."""

    def handle(_: str, event: dict[str, Any]) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = invoke(door, event)
        return answer

    return deliver(f"{door.queue}{DEAD}" if door.dead else door.queue, handle, poll_seconds)


def _first(living: Sequence[Door], poll_seconds: int) -> int:
    # Whoever finds something lets the next round begin at the top: a lower queue waits until the higher are empty.
    for position, door in enumerate(living):
        taken = hand_over(door, poll_seconds if position == 0 else 0)
        if taken:
            return taken
    return 0
