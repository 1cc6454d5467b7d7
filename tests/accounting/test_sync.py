"""Runs against a simulated Fatture in Cloud: complete, without writing what is known, whatever happens meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.accounting import start_sync, sync_step
from chalicelib.accounting.account import Account
from chalicelib.accounting.record import RESOURCES
from chalicelib.accounting.record_jobs import StartSync
from chalicelib.accounting.record_tables import RecordRow
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.rows import AuditRow
from chalicelib.core.unit import Unit
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import (
    OURS,
    SMALL,
    Driver,
    account,
    assert_same,
    drain_all,
    finish,
    mark_of,
    records,
    runs,
    start,
    synced,
)

__all__ = ["account"]


def pages(fic: FattureInCloudSimulator) -> list[dict[str, Any]]:
    """The lists that were asked for."""
    return [one["query"] for one in fic.requests if "per_page" in one["query"]]


def versions() -> dict[str, int]:
    return {f"{row.pk}#{row.sk}": int(row.version) for row in RecordRow.scan() if row.version}


def test_a_full_run_reads_everything(fic: FattureInCloudSimulator, account: Account) -> None:
    for resource in RESOURCES:
        run = synced(account, resource)
        assert (run.status, run.failure) == ("done", None)
        assert run.written == len(records(resource)) == run.total == run.done == SMALL[resource]
    assert_same(fic, account)
    # Page by page from the last to the first, which is read again; then what changed meanwhile.
    numbers = [query["page"] for query in pages(fic)]
    assert numbers == ["1", "3", "2", "1", "1", *["1", "1"], *["1", "2", "1", "1"], *["1", "1"]]
    assert {(query["per_page"], query["fieldset"]) for query in pages(fic)} == {("100", "detailed")}


def test_what_is_known_is_not_written_again(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "clients")
    before, audited = versions(), AuditRow.count(f"{OURS}#{account.id}")
    run = synced(account, "clients")
    assert (run.status, run.written, run.done) == ("done", 0, SMALL["clients"])
    assert versions() == before
    # That it began is noted, not what was read.
    assert AuditRow.count(f"{OURS}#{account.id}") == audited + 1


def test_what_vanished_is_found_and_what_came_is_added(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "invoices")
    ids = fic.books[COMPANY].ids("invoices")
    for number in ids[3:8]:
        fic.delete("invoices", number, silent=True)
    fic.create("invoices", {"type": "invoice", "entity": {"name": "New"}, "items_list": []}, silent=True)
    fic.change("invoices", ids[20], {"notes": "changed"}, silent=True)
    run = synced(account, "invoices")
    assert (run.status, run.deleted, run.written) == ("done", 5, 2)
    assert_same(fic, account, "invoices")


def test_an_empty_answer_deletes_nothing(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "quotes")
    fic.fault(
        path="*/issued_documents",
        body='{"current_page":1,"last_page":1,"total":0,"data":[]}',
        times=2,
    )
    run = synced(account, "quotes")
    assert (run.status, run.deleted) == ("done", 0)
    assert_same(fic, account, "quotes")


Meddle = Callable[[FattureInCloudSimulator, list[int]], None]


def delete_first(fic: FattureInCloudSimulator, ids: list[int]) -> None:
    for number in ids[:4]:
        fic.delete("clients", number, silent=True)


def delete_last(fic: FattureInCloudSimulator, ids: list[int]) -> None:
    for number in ids[-4:]:
        fic.delete("clients", number, silent=True)


def delete_and_create(fic: FattureInCloudSimulator, ids: list[int]) -> None:
    delete_first(fic, ids[90:])
    for name in "abcd":
        fic.create("clients", {"name": name}, silent=True)


def change_all_over(fic: FattureInCloudSimulator, ids: list[int]) -> None:
    for number in ids[::25]:
        fic.change("clients", number, {"notes": "changed meanwhile"}, silent=True)


@pytest.mark.parametrize("meddle", [delete_first, delete_last, delete_and_create, change_all_over])
def test_nothing_is_skipped_while_the_books_change(
    fic: FattureInCloudSimulator, account: Account, meddle: Meddle
) -> None:
    """Between two pages. What is deleted after it was read is told by webhook, or found by the next full run."""
    before = set(fic.books[COMPANY].ids("clients"))
    driver = Driver(account, "clients")
    driver.steps(2)
    meddle(fic, sorted(before))
    driver.finish()
    remaining = set(fic.books[COMPANY].ids("clients"))
    assert remaining <= set(records("clients")) <= remaining | before
    synced(account, "clients")
    assert_same(fic, account, "clients")


def test_no_change_is_skipped_while_more_changes(fic: FattureInCloudSimulator, account: Account) -> None:
    """What changes after a run began may move behind what it has read: the next run's window has it."""
    synced(account, "clients")
    for number in fic.books[COMPANY].ids("clients"):
        fic.change("clients", number, {"notes": "all changed"}, silent=True)
    driver = Driver(account, "clients", "changes")
    driver.steps(2)
    change_all_over(fic, fic.books[COMPANY].ids("clients"))
    driver.finish()
    Driver(account, "clients", "changes").finish()
    assert_same(fic, account, "clients")


def test_changes_are_read_from_where_all_is_stored(fic: FattureInCloudSimulator, account: Account) -> None:
    full = synced(account, "clients")
    assert mark_of(account, "clients").synced_at == full.started_at
    number = fic.books[COMPANY].ids("clients")[7]
    fic.change("clients", number, {"name": "Changed"}, silent=True)
    fic.requests.clear()
    run = synced(account, "clients", "changes")
    assert (run.status, run.done, run.written) == ("done", 1, 1)
    assert len(pages(fic)) == 1
    since = (full.started_at - timedelta(minutes=10)).strftime("%Y-%m-%d %H:%M:%S")
    assert pages(fic)[0]["q"] == f"updated_at >= '{since}'"
    assert mark_of(account, "clients").synced_at == run.started_at
    assert_same(fic, account, "clients")


def test_the_mark_moves_only_once_all_is_stored(fic: FattureInCloudSimulator, account: Account) -> None:
    full = synced(account, "clients")
    for number in fic.books[COMPANY].ids("clients"):
        fic.change("clients", number, {"notes": "x"}, silent=True)
    driver = Driver(account, "clients", "changes")
    driver.steps(3)
    assert mark_of(account, "clients").synced_at == full.started_at
    driver.finish()
    assert mark_of(account, "clients").synced_at == driver.run().started_at


def test_changes_before_any_full_run_begin_one(fic: FattureInCloudSimulator, account: Account) -> None:
    assert start(account, "quotes", "changes").kind == "full"
    drain_all()
    assert_same(fic, account, "quotes")


def test_two_at_once_are_one(fic: FattureInCloudSimulator, account: Account) -> None:
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: start(account, "invoices"), range(8)))
    assert len({run.id for run in begun}) == 1
    assert finish(account, "invoices").status == "done"
    assert len(runs()) == 1
    assert len(pages(fic)) == 4
    assert_same(fic, account, "invoices")


def test_the_same_step_twice_at_once_stores_once(fic: FattureInCloudSimulator, account: Account) -> None:
    driver = Driver(account, "invoices")
    while driver.run().active:
        job = driver.job()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda _, job=job: sync_step.step(job, driver.context()), range(3)))
    assert driver.run().written == SMALL["invoices"]
    assert_same(fic, account, "invoices")


def test_a_run_that_stalled_goes_on_where_it_stopped(fic: FattureInCloudSimulator, account: Account) -> None:
    driver = Driver(account, "clients")
    driver.steps(2)
    numbers = len(pages(fic))

    def later() -> datetime:
        return now() + timedelta(minutes=30)

    run = start_sync.start(lambda: Unit(OURS), account, "clients", "full", later)
    assert (run.id, run.step) == (driver.run().id, 3)
    assert finish(account, "clients").status == "done"
    assert len(pages(fic)) == numbers + 3
    assert_same(fic, account, "clients")


def test_a_run_for_something_just_told_waits_for_one_that_may_have_passed_it(
    fic: FattureInCloudSimulator, account: Account
) -> None:
    synced(account, "clients")
    for number in fic.books[COMPANY].ids("clients"):
        fic.change("clients", number, {"notes": "x"}, silent=True)
    driver = Driver(account, "clients", "changes")
    driver.steps(1)
    job = StartSync(company_id=OURS, account_id=account.id, resources=("clients",), kind="changes", anew=True)
    context = JobContext("job_1", 1, False, "cor_1", OURS, now)
    with pytest.raises(Postpone):
        start_sync.start_later(job, context)
    driver.finish()
    start_sync.start_later(job, context)
    assert Driver(account, "clients", "changes").run().id != driver.first.id


def test_progress_says_how_long_it_will_take(fic: FattureInCloudSimulator, account: Account) -> None:
    driver = Driver(account, "clients")
    assert driver.run().seconds_left() is None
    driver.clock.forward(seconds=10)
    driver.steps(2)
    run = driver.run()
    assert (run.total, run.done) == (230, 130)
    assert run.rate() == pytest.approx(13, rel=0.2)
    assert run.seconds_left() == pytest.approx(8, abs=2)
