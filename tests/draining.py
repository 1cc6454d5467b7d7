"""Runs the relay and the workers in this process until nothing is left to do."""

import os
from functools import cache

import urllib3

from chalicelib.core import relay
from chalicelib.core.jobs import work
from chalicelib.core.queues import LANES
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings, sqs_name
from chalicelib.core.worker import deliver


def drain(*, rounds: int = 10) -> int:
    """Relay every pending event and do every visible job; returns how many jobs were done."""
    done = 0
    for _ in range(rounds):
        pending = [row for row in OutboxRow.scan() if row.pending]
        relay.publish(pending)
        worked = work_once()
        done += worked
        if not pending and not worked:
            return done
    raise AssertionError(f"still not done after {rounds} rounds")


def work_once() -> int:
    """Do a batch of every queue that has one, in order of priority; returns how many jobs there were.

    Which have one the emulator says in one request: asking each, most of them in vain, took a tenth of all tests' time.
    """
    done, waiting = 0, _waiting()
    for queue in LANES:
        if sqs_name(queue) in waiting:
            done += deliver(queue, work)
            waiting = _waiting()
    return done


def _waiting() -> set[str]:
    endpoint, account = settings().queue_base_url.rsplit("/", 1)
    answer = _http(os.getpid()).request("GET", f"{endpoint}/_ministack/sqs/messages?account={account}").json()
    queues = [item for regions in answer["messages"].values() for region in regions.values() for item in region.items()]
    names = {url.rsplit("/", 1)[1] for url, messages in queues if any(one["IsVisible"] for one in messages)}
    return {name.removeprefix(f"{settings().prefix}-") for name in names}


@cache
def _http(process: int) -> urllib3.PoolManager:
    # One for each process: what kills fork must not share a connection with its parent.
    return urllib3.PoolManager()
