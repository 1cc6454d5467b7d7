"""`pilot fic`: sync, sync-subscriptions, status."""

import threading

import pytest

from chalicelib.accounting.account import Account
from chalicelib.core import relay, worker
from chalicelib.core.clock import now
from chalicelib.core.rows import OutboxRow
from chalicelib.identity.create_company import NewCompany, Person, create_company
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import OURS, account, assert_same, drain_all, sink, subscribed
from tests.cli.conftest import Pilot

__all__ = ["account", "sink"]


@pytest.fixture(autouse=True)
def ours(account: Account) -> None:
    create_company(NewCompany("Ours", id=OURS), Person("Ada", "ada@example.com", "correct horse battery"), now)
    drain_all()


class RelayAndWorker:
    """Relays and works beside the command, as `make run` does."""

    def __enter__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            relay.publish(row for row in OutboxRow.scan() if row.pending)
            worker.work_first(("sync.fic",))


def test_sync_reads_everything_and_watches(fic: FattureInCloudSimulator, account: Account, pilot: Pilot) -> None:
    with RelayAndWorker():
        rows = pilot.json("fic", "sync", "all")
    assert [(row["resource"], row["status"], row["total"]) for row in rows] == [
        ("clients", "done", 230),
        ("suppliers", "done", 20),
        ("invoices", "done", 120),
        ("quotes", "done", 30),
    ]
    assert_same(fic, account)
    with RelayAndWorker():
        result = pilot("fic", "sync", "quotes", "--changes", "--account-id", account.id)
    assert result.exit_code == 0
    assert "changes" in result.stdout
    assert pilot("fic", "sync", "nothing").exit_code == 2
    assert pilot("fic", "sync", "all", "--account-id", "fic_none").exit_code == 1


def test_sync_says_when_a_run_failed(fic: FattureInCloudSimulator, account: Account, pilot: Pilot) -> None:
    fic.fault(path="*/issued_documents", status=403, times=1)
    with RelayAndWorker():
        result = pilot("fic", "sync", "quotes")
    assert result.exit_code == 1
    assert "fic_forbidden" in result.stdout
    assert pilot("fic", "sync", "quotes", "--no-wait").exit_code == 0  # it goes on


def test_status_tells_what_needs_a_hand(
    fic: FattureInCloudSimulator, account: Account, pilot: Pilot, sink: list[int]
) -> None:
    result = pilot("fic", "status")
    assert result.exit_code == 1
    assert "never read" in result.stdout
    assert "no subscription to entity" in result.stdout
    subscribed(fic, account)
    with RelayAndWorker():
        pilot("fic", "sync", "all")
    drain_all()
    fic.change("clients", fic.books[COMPANY].ids("clients")[0], {"name": "Changed"})
    fic.webhooks.settle()
    drain_all()
    result = pilot("fic", "status")
    assert result.exit_code == 0, result.output
    assert "All is well" in result.stdout
    said = pilot.json("fic", "status")
    [one] = said["accounts"]
    assert one["counts"] == {"clients": 230, "suppliers": 20, "invoices": 120, "quotes": 30}
    assert one["subscriptions"] == {"entity": "verified", "issued_documents": "verified"}
    assert one["requests_left"] > 200
    assert one["waiting_events"] == 0
    assert one["seconds_per_event"] >= 0
    assert said["queue"]["failed_jobs"] == 0


def test_subscriptions_are_compared_and_mended(
    fic: FattureInCloudSimulator, account: Account, pilot: Pilot, sink: list[int]
) -> None:
    assert pilot("fic", "sync-subscriptions").exit_code == 0
    subscribed(fic, account)
    assert {row["state"] for row in pilot.json("fic", "sync-subscriptions")} == {"verified"}
    for one in list(fic.webhooks.subscriptions):
        fic.webhooks.remove(COMPANY, one)
    result = pilot("fic", "sync-subscriptions", "--dry-run")
    assert result.exit_code == 1
    assert "missing" in result.stdout
    assert fic.webhooks.of(COMPANY) == []
    assert pilot("fic", "sync-subscriptions").exit_code == 1  # made again, the handshake is under way
    fic.webhooks.settle()
    assert pilot("fic", "sync-subscriptions").exit_code == 0
