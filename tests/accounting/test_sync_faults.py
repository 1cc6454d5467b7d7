"""Everything that can go wrong while a run reads: afterwards the rows are those of a sync from scratch, none twice."""

import random
from typing import Any

import pytest

from chalicelib.accounting import account_store, accounts, start_sync, sync_step
from chalicelib.accounting.account import Account
from chalicelib.accounting.accounts import HandMadeToken
from chalicelib.accounting.record_jobs import StartSync
from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.errors import VendorRefused
from chalicelib.core.jobs import CannotSucceed
from chalicelib.core.unit import Unit
from infra.local.simulators.fattureincloud.access import Window
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import (
    OURS,
    SMALL,
    Driver,
    MovingClock,
    account,
    assert_same,
    drain_all,
    records,
    start,
    synced,
)

__all__ = ["account"]
LISTS = "*/issued_documents"
BROKEN: list[dict[str, Any]] = [
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 429, "headers": {}},
    {"status": 403, "headers": {"Retry-After": "600"}},
    {"status": 500},
    {"status": 503},
    {"status": 502, "body": "<html>Bad gateway</html>"},
    {"drop": True},
    {"delay_seconds": 1.6},
    {"body": '{"current_page":1,"data":[{"id":1,"na'},
    {"body": "null"},
    {"body": '{"current_page":1,"last_page":1,"data":null}'},
]


def test_a_page_that_fails_is_read_again(fic: FattureInCloudSimulator, account: Account) -> None:
    """The second of a run's pages, in every way an answer can be bad; something has changed each time."""
    changing = fic.books[COMPANY].ids("invoices")[50]
    clock = MovingClock()
    for fault in BROKEN:
        fic.change("invoices", changing, {"notes": str(fault)}, silent=True)
        driver = Driver(account, "invoices", clock=clock)
        driver.steps(1)
        fic.fault(path=LISTS, **fault)
        assert driver.finish().status == "done", fault
        assert len(driver.failures) == 1, fault
        assert_same(fic, account, "invoices")


def test_a_page_of_which_only_half_is_stored(
    fic: FattureInCloudSimulator, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first transaction of two is committed, then the worker has no database any more."""
    driver = Driver(account, "clients")
    commits = 0
    commit = Unit.commit

    def fail_at_the_second(unit: Unit, answer: Any = None) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:
            raise ConnectionError("gone")
        commit(unit, answer)

    monkeypatch.setattr(Unit, "commit", fail_at_the_second)
    with pytest.raises(ConnectionError):
        driver.steps(1)
    monkeypatch.setattr(Unit, "commit", commit)
    assert 0 < len(records("clients")) < 100
    assert driver.run().step == 1
    driver.finish()
    assert_same(fic, account, "clients")


def test_fics_own_quota_is_waited_for(fic: FattureInCloudSimulator, account: Account) -> None:
    quota = fic.quotas[COMPANY]
    quota.hour = Window(seconds=1, calls=2)
    driver = Driver(account, "clients")
    driver.finish(most=5000)
    assert set(driver.failures) <= {"fic_rate_limited", "fic_quota"}
    assert_same(fic, account, "clients")


def test_a_revoked_token_stops_the_run_and_connecting_again_takes_it_on(
    fic: FattureInCloudSimulator, account: Account
) -> None:
    driver = Driver(account, "clients")
    driver.steps(2)
    fic.fault(path="*", status=401, times=None)
    with pytest.raises(VendorRefused):
        driver.steps(1)
    assert (driver.run().status, driver.run().failure) == ("failed", "fic_unauthorized")
    assert account_store.get_account(OURS, account.id).status == "needs_reconnection"
    with pytest.raises(CannotSucceed):
        sync_step.step(driver.job(), driver.context())
    fic.faults.clear()
    again = account_store.get_account(OURS, account.id)
    accounts.connect_with_token(
        lambda: Unit(OURS), HandMadeToken(token=fic.manual_token, user_id="usr_test", fic_company_id=COMPANY), now
    )
    assert again.id == account.id
    drain_all()  # being connected again, it is read
    assert driver.run().id == driver.first.id
    assert_same(fic, account)


def test_a_run_given_up_says_why_and_goes_on_when_asked(fic: FattureInCloudSimulator, account: Account) -> None:
    driver = Driver(account, "quotes")
    fic.fault(path=LISTS, status=500)
    with pytest.raises(Exception, match="fic_unavailable"):
        sync_step.step(driver.job(), driver.context(last=True))
    assert (driver.run().status, driver.run().failure) == ("failed", "fic_unavailable")
    run = start(account, "quotes")
    assert (run.id, run.status, run.step) == (driver.first.id, "running", 1)
    drain_all()
    assert_same(fic, account, "quotes")
    assert failed_jobs.count("sync.fic") == 0


def test_a_failed_job_that_is_retried_takes_its_run_on(fic: FattureInCloudSimulator, account: Account) -> None:
    driver = Driver(account, "quotes")
    fic.fault(path=LISTS, status=500)
    with pytest.raises(Exception, match="fic_unavailable"):
        sync_step.step(driver.job(), driver.context(last=True))
    sync_step.step(driver.job(), driver.context())
    assert (driver.run().status, driver.run().failure) == ("running", None)
    driver.finish()
    assert_same(fic, account, "quotes")


def test_malformed_fields_cost_nothing(fic: FattureInCloudSimulator, account: Account) -> None:
    """In each record another field is something else than it should be."""
    ids = iter(fic.books[COMPANY].ids("quotes"))
    for field in ("amount_net", "entity", "payments_list", "currency", "date", "updated_at", "number"):
        for value in (None, "n/a") if field == "updated_at" else (None, "n/a", {"x": [1]}, 10**30):
            number = next(ids)
            changed = fic.books[COMPANY].get("quotes", number) | {field: value}
            fic.books[COMPANY].changed["quotes"][number] = changed
    run = Driver(account, "quotes").finish()
    assert (run.status, run.written) == ("done", SMALL["quotes"])
    assert_same(fic, account, "quotes")


def test_what_is_no_record_is_passed_over(fic: FattureInCloudSimulator, account: Account) -> None:
    page = '{"current_page":1,"last_page":1,"total":3,"data":[null,{"name":"no id"},{"id":"5","name":5,"type":[]}]}'
    fic.fault(path=LISTS, body=page)
    driver = Driver(account, "quotes")
    driver.steps(1)
    assert list(records("quotes")) == [5]
    driver.finish()
    synced(account, "quotes")
    assert_same(fic, account, "quotes")


def test_a_record_larger_than_an_item_is_kept_without_its_document(
    fic: FattureInCloudSimulator, account: Account
) -> None:
    noise = "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(700_000))
    number = fic.books[COMPANY].ids("quotes")[0]
    fic.change("quotes", number, {"notes": noise}, silent=True)
    assert Driver(account, "quotes").finish().status == "done"
    assert_same(fic, account, "quotes")


def test_failed_runs_are_taken_on_every_hour(fic: FattureInCloudSimulator, account: Account) -> None:
    synced(account, "quotes")
    driver = Driver(account, "quotes")
    fic.fault(path=LISTS, status=500)
    with pytest.raises(Exception, match="fic_unavailable"):
        sync_step.step(driver.job(), driver.context(last=True))
    hourly = StartSync(company_id=OURS, account_id=account.id, resources=("quotes",), kind="changes")
    start_sync.start_later(hourly, driver.context())
    drain_all()
    assert driver.run().status == "done"
