"""An account connected to a simulated Fatture in Cloud, and what is compared after everything that can go wrong."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.accounting import accounts, start_sync, subscription_sync, sync_step, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.accounts import HandMadeToken
from chalicelib.accounting.event import GROUPS
from chalicelib.accounting.record import DOCUMENTS, RESOURCES, Record, Resource, read
from chalicelib.accounting.record_jobs import SyncStep
from chalicelib.accounting.record_store import sums
from chalicelib.accounting.record_tables import RecordRow, SyncRow
from chalicelib.accounting.run import Kind, Run
from chalicelib.accounting.subscription_sync import SubscriptionRequest
from chalicelib.accounting.sync_store import Mark
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.errors import DomainError, RateLimited
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from infra.local.invoking import call
from infra.local.simulators.exchange import Reply, Request
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from infra.local.simulators.listener import Listener
from tests.conftest import EmbeddedAws
from tests.draining import work_once

OURS = "com_test"
SMALL = {"clients": 230, "suppliers": 20, "invoices": 120, "quotes": 30}


@pytest.fixture
def account(aws: EmbeddedAws, fic: FattureInCloudSimulator, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Connected by a token made by hand to small books, nothing read yet."""
    fic.resize(COMPANY, **SMALL)
    monkeypatch.setenv("PILOT_VENDOR_TIMEOUT_SECONDS", "1")
    settings.cache_clear()
    made = accounts.connect_with_token(
        lambda: Unit(OURS), HandMadeToken(token=fic.manual_token, user_id="usr_test", fic_company_id=COMPANY), now
    )
    for row in OutboxRow.scan():  # a connected account is read at once; tests say when
        row.delete()
    return made


def start(account: Account, resource: Resource, kind: Kind = "full") -> Run:
    """Begin or join a run."""
    return start_sync.start(lambda: Unit(OURS), account, resource, kind, now)


def finish(account: Account, resource: Resource, kind: Kind = "full") -> Run:
    """Do all jobs; the run as it then is."""
    drain_all()
    found = sync_store.find_run(OURS, account.id, resource, kind)[0]
    assert found
    return found


def synced(account: Account, resource: Resource, kind: Kind = "full") -> Run:
    """A whole run."""
    start(account, resource, kind)
    return finish(account, resource, kind)


def drain_all(most: int = 300) -> None:
    """Relay and work until nothing is left, however many steps a run has."""
    for _ in range(most):
        relay.sweep(now() + timedelta(minutes=5))
        if not work_once() and not [row for row in OutboxRow.scan() if row.pending]:
            return
    raise AssertionError("still not done")


def records(resource: Resource) -> dict[int, Record]:
    """What is here and not deleted."""
    rows = [row for row in RecordRow.scan() if row.pk.endswith(f"#{resource}")]
    found = [row.model(Record) for row in rows]
    return {record.id: record for record in found if record.deleted_at is None}


def assert_same(fic: FattureInCloudSimulator, account: Account, *resources: Resource) -> None:
    """The same rows as a sync from scratch would give: each record of FIC's once, its sums, nothing else."""
    books = fic.books[COMPANY]
    for resource in resources or RESOURCES:
        here = records(resource)
        at_vendor = {number: books.get(resource, number) for number in books.ids(resource)}
        assert sorted(here) == sorted(at_vendor)
        expected = [read(OURS, account.id, resource, _as_sent(sent), now()) for sent in at_vendor.values()]
        expected_records = {found.record.id: found.record for found in expected if found}
        for number, record in here.items():
            assert record.hash == expected_records[number].hash, (resource, number)
            assert (record.name, record.amounts) == (expected_records[number].name, expected_records[number].amounts)
        _assert_sums(account, resource, here)


def _assert_sums(account: Account, resource: Resource, here: dict[int, Record]) -> None:
    found = [one for one in sums(OURS, account.id) if one.resource == resource]
    assert sum(one.records for one in found) == len(here)
    if resource in DOCUMENTS:
        expected_records = sum((record.amounts and record.amounts.gross) or 0 for record in here.values())
        assert sum(one.gross for one in found) == expected_records


def _as_sent(record: dict[str, Any]) -> Any:
    """As it comes over the wire, numbers as Decimal."""
    import msgspec

    from chalicelib.accounting.record import decoded

    return decoded(msgspec.json.encode(record))


def runs() -> list[Run]:
    """Every run there is."""
    return [row.model(Run) for row in SyncRow.scan() if row.sk.startswith("run#")]


def mark_of(account: Account, resource: Resource) -> Mark:
    """Until when all is stored."""
    return sync_store.marks(OURS, account.id)[resource]


class MovingClock:
    """The real time, and what was waited for besides."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead

    def forward(self, *, seconds: float) -> None:
        """Let time pass."""
        self.ahead += timedelta(seconds=seconds)


class Driver:
    """Does a run's jobs one by one, as the queue would: what says to wait is waited for, what failed is done again."""

    def __init__(
        self, account: Account, resource: Resource, kind: Kind = "full", clock: MovingClock | None = None
    ) -> None:
        self.clock = clock or MovingClock()
        self.first = start_sync.start(lambda: Unit(OURS), account, resource, kind, self.clock)
        self.failures: list[str] = []

    def run(self) -> Run:
        """As it is now."""
        first = self.first
        found = sync_store.find_run(OURS, first.account_id, first.resource, first.kind)[0]
        assert found
        return found

    def job(self) -> SyncStep:
        """The next."""
        run = self.run()
        return SyncStep(
            company_id=OURS,
            account_id=run.account_id,
            resource=run.resource,
            kind=run.kind,
            run_id=run.id,
            step=run.step,
        )

    def context(self, *, last: bool = False) -> JobContext:
        """Around it."""
        return JobContext("job_1", 1, last, "cor_1", OURS, self.clock)

    def steps(self, count: int) -> None:
        """So many jobs."""
        for _ in range(count):
            sync_step.step(self.job(), self.context())

    def finish(self, most: int = 100) -> Run:
        """Until it is over."""
        for _ in range(most):
            if not self.run().active:
                return self.run()
            try:
                self.steps(1)
            except RateLimited as wait:
                self.failures.append(wait.code)
                self.clock.forward(seconds=wait.retry_after)
            except DomainError as error:
                self.failures.append(error.code)
        raise AssertionError(f"still not over: {self.run()}")


@pytest.fixture
def sink(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Our webhook endpoints behind HTTP; the statuses they answered."""
    answered: list[int] = []
    one_at_a_time = threading.Lock()  # as a Lambda serves

    def handle(request: Request) -> Reply:
        headers, query = dict(request.headers), dict(request.query)
        with one_at_a_time:
            found = call(request.method, request.path, raw=request.body or None, headers=headers, query=query or None)
        answered.append(found.status)
        return Reply(found.status, found.text.encode() if found.text else None, {"Content-Type": "application/json"})

    listener = Listener(handle, "127.0.0.1", 0)
    monkeypatch.setenv("PILOT_PUBLIC_URL", listener.url)
    settings.cache_clear()
    yield answered
    listener.close()


def subscribed(fic: FattureInCloudSimulator, account: Account) -> None:
    """Both groups, verified."""
    for group in GROUPS:
        subscription_sync.subscribe(lambda: Unit(OURS), account, SubscriptionRequest(group), now)
    fic.webhooks.settle()
