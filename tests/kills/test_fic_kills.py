"""Kill a worker before and after every outside call while it keeps Fatture in Cloud's books in step."""

from collections.abc import Callable

import pytest

from chalicelib.accounting import issue_invoice, order_store, start_sync, sync_step
from chalicelib.accounting.account import Account
from chalicelib.accounting.order import Line
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core import relay
from chalicelib.core.clock import now
from chalicelib.core.jobs import work
from chalicelib.core.rows import OutboxRow
from chalicelib.core.unit import Unit
from chalicelib.core.worker import deliver
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import OURS, Driver, MovingClock, account, assert_same, drain_all, records, synced
from tests.accounting.test_issue_invoice import appointment, marked
from tests.accounting.test_notifications import tell
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives

__all__ = ["account", "appointment"]


@pytest.fixture
def small(fic: FattureInCloudSimulator, account: Account, monkeypatch: pytest.MonkeyPatch) -> FattureInCloudSimulator:
    """Books of a few records, three to a page."""
    fic.resize(COMPANY, clients=7, suppliers=1, invoices=4, quotes=1)
    monkeypatch.setattr(sync_step, "LARGEST_PAGE", 3)
    messages_come_back_at_once()
    return fic


@pytest.mark.slow
def test_a_run_goes_on_whichever_call_its_worker_dies_at(small: FattureInCloudSimulator, account: Account) -> None:
    """Each step of a whole run; in between a record changes and one vanishes, so that there is something to store."""
    synced(account, "clients")
    ids = small.books[COMPANY].ids("clients")
    small.delete("clients", ids[2], silent=True)
    driver = Driver(account, "clients")
    steps = 0
    while driver.run().active:
        small.change("clients", ids[steps % 2], {"notes": str(steps)}, silent=True)
        steps += 1
        until_it_survives(_one_step(driver, driver.run().step))
        if driver.run().step == steps:
            driver.steps(1)
    drain_all()
    synced(account, "clients")
    assert steps == 6
    assert_same(small, account, "clients")


def _one_step(driver: Driver, step: int) -> Callable[[Death], bool]:
    """Dying in this step; once its commit is through, nothing of it is left to die in."""
    return lambda death: driver.run().step == step and run_dying(lambda: driver.steps(1), death)


@pytest.mark.slow
def test_beginning_a_run_leaves_one_or_none(small: FattureInCloudSimulator, account: Account) -> None:
    def case(death: Death) -> bool:
        died = run_dying(lambda: start_sync.start(lambda: Unit(OURS), account, "invoices", "full", now), death)
        drain_all()
        small.change("invoices", small.books[COMPANY].ids("invoices")[0], {"notes": str(death)}, silent=True)
        synced(account, "invoices")
        assert_same(small, account, "invoices")
        return died

    assert until_it_survives(case) >= 2


@pytest.mark.slow
def test_an_event_is_acted_on_whenever_a_worker_dies(small: FattureInCloudSimulator, account: Account) -> None:
    tried = 0
    synced(account, "clients")
    number = small.books[COMPANY].ids("clients")[0]

    def case(death: Death) -> bool:
        nonlocal tried
        tried += 1
        small.change("clients", number, {"notes": str(tried)}, silent=True)
        assert tell(small, account, "entities.clients.update", [number], number=str(tried)).status == 204
        relay.publish(row for row in OutboxRow.scan() if row.pending)
        died = run_dying(lambda: deliver("sync.fic", work), death)
        drain_all()
        assert_same(small, account, "clients")
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, {tried} deaths tried")
    assert calls >= 8


@pytest.mark.slow
def test_a_document_is_made_once_whenever_its_maker_dies(
    small: FattureInCloudSimulator, account: Account, appointment: Appointment
) -> None:
    booking_request = issue_invoice.InvoiceRequest(
        appointment_id=appointment.id, lines=(Line(name="Haircut", net=3000),)
    )
    clock = MovingClock()

    def issue() -> issue_invoice.Issued:
        return issue_invoice.issue(lambda: Unit(OURS), account, "invoices", booking_request, clock)

    def case(death: Death) -> bool:
        died = run_dying(issue, death)
        clock.forward(seconds=100)  # so long FIC may take; then somebody asks again
        assert issue().record
        [document] = marked(small, appointment)
        assert document["id"] in records("invoices")
        _forget(small, account, appointment, document["id"])
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls")
    assert calls >= 7


def _forget(fic: FattureInCloudSimulator, account: Account, appointment: Appointment, number: int) -> None:
    fic.delete("invoices", number, silent=True)
    order = order_store.find_order(OURS, account.id, "invoices", appointment.id)
    assert order
    unit = Unit(OURS)
    order_store.remove_order(unit, order)
    unit.commit()
