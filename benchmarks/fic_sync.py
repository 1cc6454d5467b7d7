"""A full run of 10,000 invoices from the simulated Fatture in Cloud, in a process of its own, and the same again."""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from benchmarks import system
from benchmarks.request_counts import counted
from chalicelib.accounting import accounts, start_sync, sync_step, sync_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.accounts import HandMadeToken
from chalicelib.accounting.record_jobs import SyncStep
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.vendors import http
from infra.local.simulators.fattureincloud.data import Sizes
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator

DOCUMENTS = 10_000
PAGES = DOCUMENTS // 100


@dataclass(frozen=True)
class Cost:
    """One run. Requests and units are DynamoDB's, without those of relaying its jobs. `vendor_seconds`: FIC's share."""

    name: str
    api_calls: int
    written: int
    reads: int
    transactions: int
    other_writes: int
    read_units: float
    write_units: float
    seconds: float
    vendor_seconds: float
    peak_mb: float


def measure() -> list[Cost]:
    """Both runs; the system has to be running."""
    sizes = Sizes(clients=500, suppliers=0, invoices=DOCUMENTS, quotes=0)
    simulator = FattureInCloudSimulator(companies={COMPANY: sizes})
    environment = {"FIC_BASE_URL": simulator.start(), "FIC_BENCH_TOKEN": simulator.manual_token}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.fic_sync"], env=os.environ | environment, check=True, capture_output=True
        )
    finally:
        simulator.stop()
    return [Cost(**one) for one in json.loads(done.stdout.decode().splitlines()[-1])]


def _once(name: str, account: Account) -> Cost:
    began: list[float] = []
    vendor: list[float] = []
    http.before_request[:] = [lambda *_: began.append(time.perf_counter())]
    http.after_request[:] = [lambda *_: vendor.append(time.perf_counter() - began.pop())]
    started = time.perf_counter()
    with counted() as count:
        run = start_sync.start(lambda: Unit(system.COMPANY), account, "invoices", "full", now)
        while run.active:
            job = SyncStep(
                company_id=system.COMPANY,
                account_id=account.id,
                resource="invoices",
                kind="full",
                run_id=run.id,
                step=run.step,
            )
            sync_step.step(job, JobContext("bench", 1, False, "bench", system.COMPANY, now))
            found, _ = sync_store.find_run(system.COMPANY, account.id, "invoices", "full")
            assert found
            run = found
    assert run.status == "done", run
    looked = run.step  # this loop's own look at the run, once a step
    return Cost(
        name=name,
        api_calls=len(vendor),
        written=run.written,
        reads=count.reads - looked,
        transactions=count.transactions,
        other_writes=count.writes,
        read_units=count.read_units,
        write_units=count.write_units,
        seconds=time.perf_counter() - started,
        vendor_seconds=sum(vendor),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def main() -> None:
    """In the process that is measured: prints the costs as JSON."""
    token = os.environ["FIC_BENCH_TOKEN"]
    account = accounts.connect_with_token(
        lambda: Unit(system.COMPANY), HandMadeToken(token=token, user_id="usr_bench", fic_company_id=COMPANY), now
    )
    costs = [_once("everything new", account), _once("again, nothing changed", account)]
    print(json.dumps([asdict(cost) for cost in costs]))


if __name__ == "__main__":
    main()
