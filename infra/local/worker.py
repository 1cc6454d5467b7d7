"""The workers of named queues on one machine: core's worker, but calling the very entries that Lambda calls."""

import threading
from collections.abc import Sequence
from typing import Any

from chalicelib.core import worker
from chalicelib.core.endpoints import Endpoint
from infra.local.invocation import endpoints_of, invoke


def run_worker(queues: Sequence[str], stop: threading.Event) -> None:
    """What `chalicelib.core.worker.run_worker` does; raises ValueError for a queue that no endpoint consumes."""
    living = {endpoint.queue: endpoint for endpoint in consumers(queues)}
    dead = {endpoint.queue: endpoint for endpoint in consumers(queues, dead=True)}

    def work(queue: str, event: dict[str, Any]) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = invoke(living[queue], event)
        return answer

    def consume_dead(queue: str, event: dict[str, Any]) -> None:
        invoke(dead[queue], event)

    worker.run_worker(queues, stop, work, consume_dead)


def consumers(queues: Sequence[str], *, dead: bool = False) -> list[Endpoint]:
    """The endpoints that consume these queues (or their dead-letter queues), in this order."""
    by_queue = {endpoint.queue: endpoint for endpoint in endpoints_of("queue") if endpoint.dead == dead}
    missing = [queue for queue in queues if queue not in by_queue]
    if missing:
        raise ValueError(f"No such queue: {', '.join(missing)}. There are {', '.join(sorted(by_queue))}.")
    return [by_queue[queue] for queue in queues]
