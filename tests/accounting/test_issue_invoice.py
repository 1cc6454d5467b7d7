"""Invoices and quotes made of completed appointments: once, whatever becomes of Fatture in Cloud's answers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.accounting import issue_invoice, order_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.order import Line, Order
from chalicelib.accounting.record_jobs import ReconcileDocument
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.unit import Unit
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.accounting.books import OURS, MovingClock, account, records, synced
from tests.calls.conftest import next_monday

__all__ = ["account"]
CALLER = Caller(OURS)
ITEMS = [{"name": "Haircut", "net": 3333, "quantity": 3}, {"name": "Shampoo", "net": 1050, "vat_percent": 10}]


@pytest.fixture
def appointment(practice: Practice) -> Appointment:
    """Over and done with, of a customer who is no client yet."""
    body = {
        "branch_id": practice.branches[1].id,
        "service": "Haircut",
        "starts_at": next_monday(17).isoformat(),
        "customer": {"name": "Ada Keller", "email": "ada@example.com"},
    }
    made = call("POST", "/api/appointments", caller=CALLER, body=body)
    assert made.status == 201, made
    found = appointment_store.get_appointment(OURS, made.json["id"])
    unit = Unit(OURS)
    appointment_store.save_appointment(unit, found.changed(now(), status="completed"))
    unit.commit()
    return found


def bill(account: Account, appointment: Appointment, kind: str = "invoices", **fields: Any) -> Answer:
    body = {"appointment_id": appointment.id, "items": ITEMS} | fields
    return call("POST", f"/api/fic/accounts/{account.id}/{kind}", caller=CALLER, body=body)


def marked(fic: FattureInCloudSimulator, appointment: Appointment, kind: str = "invoices") -> list[dict[str, Any]]:
    """What FIC has of it."""
    made = fic.books[COMPANY].changed[kind].values()
    return [one for one in made if appointment.id in str(one.get("subject"))]


@pytest.mark.parametrize("kind", ["invoices", "quotes"])
def test_a_document_is_made_once(
    fic: FattureInCloudSimulator, account: Account, appointment: Appointment, kind: str
) -> None:
    answers = [bill(account, appointment, kind) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json
    said = answers[0].json
    [document] = marked(fic, appointment, kind)
    assert said["status"] == "issued"
    assert said["document"]["number"] == str(document["number"])
    assert said["document"]["fic_id"] == document["id"]
    assert document["entity"] == {"name": "Ada Keller", "email": "ada@example.com"}
    assert document["payments_list"][0]["amount"] == 133.54  # (99.99 + 22 %) + (10.50 + 10 %), each rounded once
    assert [record.id for record in records(kind).values()] == [document["id"]]  # type: ignore[arg-type]
    link = call("GET", f"/api/fic/{kind}/{said['document']['id']}/pdf", caller=CALLER)
    assert link.json == {"url": document["url"]}


def test_the_customers_client_is_billed(
    fic: FattureInCloudSimulator, account: Account, appointment: Appointment
) -> None:
    number = fic.books[COMPANY].ids("clients")[0]
    fic.change("clients", number, {"email": "ada@example.com"}, silent=True)
    synced(account, "clients")
    assert records("clients")[number].customer_id == appointment.customer_id
    said = bill(account, appointment).json
    assert said["document"]["client_id"] == f"{account.id}.{number}"
    mine = call("GET", f"/api/customers/{appointment.customer_id}/invoices", caller=CALLER).json["data"]
    assert [one["id"] for one in mine] == [said["document"]["id"]]
    other = fic.books[COMPANY].ids("clients")[1]
    assert bill(account, appointment, "quotes", client_id=str(other)).json["document"]["client_id"].endswith(str(other))


def test_only_completed_appointments_are_billed(account: Account, appointment: Appointment) -> None:
    current = appointment_store.get_appointment(OURS, appointment.id)
    unit = Unit(OURS)
    appointment_store.save_appointment(unit, current.changed(now(), status="confirmed"))
    unit.commit()
    assert bill(account, appointment).json["code"] == "appointment_not_completed"
    assert call("POST", f"/api/fic/accounts/{account.id}/invoices", caller=CALLER, body={
        "appointment_id": "apt_none", "items": ITEMS,
    }).status == 404  # fmt: skip


def test_a_refusal_leaves_nothing_behind(
    fic: FattureInCloudSimulator, account: Account, appointment: Appointment
) -> None:
    fic.fault(path="*/issued_documents", method="POST", status=422)
    refused = bill(account, appointment)
    assert (refused.status, refused.json["code"]) == (502, "fic_invalid")
    assert bill(account, appointment).json["status"] == "issued"
    assert len(marked(fic, appointment)) == 1


@pytest.mark.parametrize("apply", [True, False])
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 200, "body": "{"}])
def test_a_lost_answer_is_looked_for_before_anything_is_made_again(
    fic: FattureInCloudSimulator, account: Account, appointment: Appointment, fault: dict[str, Any], apply: bool
) -> None:
    fic.fault(path="*/issued_documents", method="POST", apply=apply, **fault)
    lost = bill(account, appointment)
    assert (lost.status, lost.json["status"], lost.json["document"]) == (201, "pending", None)
    again = bill(account, appointment).json
    if apply:
        assert again["status"] == "issued"
    else:  # too early to be sure that FIC does not make it yet
        assert again["status"] == "pending"
        clock = MovingClock()
        clock.forward(seconds=80)
        lines = (Line(name="Haircut", net=1),)
        booking_request = issue_invoice.InvoiceRequest(appointment_id=appointment.id, lines=lines)
        assert issue_invoice.issue(lambda: Unit(OURS), account, "invoices", booking_request, clock).record
    assert len(marked(fic, appointment)) == len(records("invoices")) == 1
    assert bill(account, appointment).json["status"] == "issued"


@pytest.mark.parametrize("apply", [True, False])
def test_the_job_settles_what_nobody_asks_for_again(
    fic: FattureInCloudSimulator, account: Account, appointment: Appointment, apply: bool
) -> None:
    fic.fault(path="*/issued_documents", method="POST", status=500, apply=apply)
    assert bill(account, appointment).json["status"] == "pending"
    job = ReconcileDocument(company_id=OURS, account_id=account.id, resource="invoices", appointment_id=appointment.id)
    clock = MovingClock()
    context = JobContext("job_1", 1, False, "cor_1", OURS, clock)
    if not apply:
        with pytest.raises(Postpone):
            issue_invoice.reconcile(job, context)
        clock.ahead += timedelta(seconds=80)
    issue_invoice.reconcile(job, context)
    issue_invoice.reconcile(job, context)
    order = order_store.find_order(OURS, account.id, "invoices", appointment.id)
    assert (order is not None and order.state == "issued") is apply
    assert len(marked(fic, appointment)) == int(apply)
    assert bill(account, appointment).json["status"] == "issued"
    assert len(marked(fic, appointment)) == 1


def test_many_at_once_make_one(fic: FattureInCloudSimulator, account: Account, appointment: Appointment) -> None:
    booking_request = issue_invoice.InvoiceRequest(appointment_id=appointment.id, lines=(Line(name="Haircut", net=1),))
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(
            lambda _: issue_invoice.issue(lambda: Unit(OURS), account, "invoices", booking_request, now), range(8)
        )
    assert any(issued.record for issued in done)
    assert len(marked(fic, appointment)) == 1


def test_amounts_are_worked_out_once_for_each_rate() -> None:
    lines = tuple(Line(name="x", net=net, vat_percent=rate) for net, rate in ((5, 22), (5, 22), (5, 10), (100, 0)))
    order = Order(
        company_id="c", account_id="a", resource="invoices", appointment_id="p", customer_id="k", entity={},
        lines=lines, currency="EUR", day=now().date(), ordered_at=now(),
    )  # fmt: skip
    assert order.gross() == (10 + 2) + (5 + 1) + 100
