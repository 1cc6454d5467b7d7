"""Runs, events and changes at Fatture in Cloud all at once, by several workers: in the end the books are the same."""

import random
import threading
import time

import pytest

from chalicelib.accounting import sync_step
from chalicelib.accounting.account import Account
from chalicelib.cli.queues import status_of
from chalicelib.core import relay
from chalicelib.core.jobs import work
from chalicelib.core.rows import FailedJobRow, OutboxRow
from chalicelib.core.worker import deliver
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import account, assert_same, drain_all, start
from tests.accounting.test_notifications import tell
from tests.sizes import ROUNDS

__all__ = ["account"]
WORKERS = 3


@pytest.mark.slow
def test_books_are_the_same_whoever_was_faster(
    fic: FattureInCloudSimulator, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_step, "LARGEST_PAGE", 5)
    fic.resize(COMPANY, clients=23, suppliers=0, invoices=0, quotes=0)
    reported = 0
    for number in range(ROUNDS):
        rng = random.Random(number)
        stop = threading.Event()
        workers = [threading.Thread(target=_work, args=(stop,)) for _ in range(WORKERS)]
        start(account, "clients")
        for one in workers:
            one.start()
        for _ in range(8):
            reported += 1
            action, record_id = _meddle(fic, rng)
            assert tell(fic, account, f"entities.clients.{action}", [record_id], number=str(reported)).status == 204
            if rng.random() < 0.3:
                start(account, "clients", "changes")
        stop.set()
        for one in workers:
            one.join()
        _drain_to_the_last()
        assert_same(fic, account, "clients")
    assert list(FailedJobRow.scan()) == []


def _work(stop: threading.Event) -> None:
    """A worker, and a relay that competes with the others'."""
    while not stop.is_set():
        relay.publish(row for row in OutboxRow.scan() if row.pending)
        deliver("sync.fic", work)


def _drain_to_the_last() -> None:
    """Also what failed just now and waits for its next attempt."""
    while True:
        drain_all()
        waiting = status_of("sync.fic")
        if not (waiting["waiting"] or waiting["in_flight"] or waiting["delayed"]):
            return
        time.sleep(0.1)


def _meddle(fic: FattureInCloudSimulator, rng: random.Random) -> tuple[str, int]:
    """Something happens to some client; returns what, and which."""
    ids = fic.books[COMPANY].ids("clients")
    action, one = rng.choice(("create", "update", "delete")), rng.choice(ids)
    if action == "create":
        return action, int(fic.create("clients", {"name": f"New {rng.random()}"}, silent=True)["id"])
    if action == "update":
        fic.change("clients", one, {"notes": str(rng.random())}, silent=True)
    else:
        fic.delete("clients", one, silent=True)
    return action, one
