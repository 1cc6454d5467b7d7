"""Runs the relay and the workers in this process until nothing is left to do."""

from chalicelib.core import relay
from chalicelib.core.jobs import work
from chalicelib.core.queues import NAMED_QUEUES
from chalicelib.core.rows import OutboxRow
from chalicelib.core.worker import deliver


def drain(*, rounds: int = 10) -> int:
    """Relay every pending event and do every visible job; returns how many jobs were done."""
    done = 0
    for _ in range(rounds):
        pending = [row for row in OutboxRow.scan() if row.pending]
        relay.publish(pending)
        worked = sum(deliver(queue, work) for queue in NAMED_QUEUES)
        done += worked
        if not pending and not worked:
            return done
    raise AssertionError(f"still not done after {rounds} rounds")
