"""Having Fatture in Cloud make an invoice or quote of a completed appointment, once: hold, ask, confirm."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.accounting import account_store, order_store, record_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.errors import Overtaken
from chalicelib.accounting.leased_client import leased_client
from chalicelib.accounting.list_records import get_record
from chalicelib.accounting.order import Line, Order
from chalicelib.accounting.record import Record, Resource, read
from chalicelib.accounting.record_jobs import ReconcileDocument
from chalicelib.accounting.upsert import UpsertCounts, VendorSnapshot, write
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, DomainError, NotFound, OutcomeUnknown, Stale, invalid
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.people import store as people
from chalicelib.vendors.fattureincloud.client import FattureInCloud

FIC_ZONE = ZoneInfo("Europe/Rome")
LOOK_SECONDS = 90
AGAIN_SECONDS = 60
LOOK_BACK = timedelta(minutes=10)
LOOK_CALLS = 3


class InvoiceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to make. `client_id` as our lists have it; None: the client that the appointment's customer is."""

    appointment_id: str
    lines: tuple[Line, ...]
    client_id: str | None = None
    currency: str = "EUR"


class Issued(msgspec.Struct, frozen=True):
    """The document, or None while FIC has not said whether it made it."""

    order: Order
    record: Record | None


def issue(new_unit: UnitFactory, account: Account, resource: Resource, request: InvoiceRequest, clock: Clock) -> Issued:
    """Make the document, or find the one that was made already of this appointment.

    When FIC's answer is lost the order stays held, and FIC is asked whether it has the document before it is asked to
    make it again. Raises Conflict `appointment_not_completed` or `fic_not_connected`, Invalid, and what FIC refuses.
    """

    def attempt() -> Issued:
        order = order_store.find_order(account.company_id, account.id, resource, request.appointment_id)
        if order and order.state == "issued":
            return Issued(order, _stored(order))
        try:
            if order:
                return _settle(new_unit, account, order, clock)
            order = _hold(new_unit, _order(account, resource, request, clock))
            return _create(new_unit, account, order, clock)
        except Overtaken:
            raise Stale from None

    return until_committed(attempt)


def reconcile(job: ReconcileDocument, context: JobContext) -> None:
    """Settle an order whose answer was lost; does nothing where it is settled."""
    order = order_store.find_order(job.company_id, job.account_id, job.resource, job.appointment_id)
    if order is None or order.state != "held":
        return
    account = account_store.get_account(job.company_id, job.account_id)
    found = _look(context.unit, account, order, context.clock)
    if found:
        _confirm(context.unit, account, order, found, context.clock)
    elif order.unsure(context.clock()):
        raise Postpone(AGAIN_SECONDS, "FIC may still be working on it")
    else:
        _release(context.unit, order, "never_made")


def pdf_link(new_unit: UnitFactory, company_id: str, resource: Resource, record_id: str, clock: Clock) -> str:
    """FIC's link to the PDF, which holds for a while; raises NotFound."""
    record = get_record(company_id, resource, record_id).record
    account = account_store.get_account(company_id, record.account_id)
    with leased_client(company_id, account, new_unit, clock) as fic:
        sent = fic.fetch(account.fic_company_id, resource, record.id)
    link = (sent or {}).get("url")
    if not isinstance(link, str) or not link:
        raise NotFound("fic_pdf_not_found", f"Fatture in Cloud has no PDF of {record_id}.")
    return link


def _order(account: Account, resource: Resource, request: InvoiceRequest, clock: Clock) -> Order:
    appointment = appointment_store.get_appointment(account.company_id, request.appointment_id)
    if appointment.status != "completed":
        raise Conflict("appointment_not_completed", f"The appointment is {appointment.status}; bill it once completed.")
    at = clock()
    return Order(
        company_id=account.company_id,
        account_id=account.id,
        resource=resource,
        appointment_id=appointment.id,
        customer_id=appointment.customer_id,
        entity=_entity(account, appointment, request.client_id),
        lines=request.lines,
        currency=request.currency,
        day=at.astimezone(FIC_ZONE).date(),
        ordered_at=at,
    )


def _entity(account: Account, appointment: Appointment, client_id: str | None) -> dict[str, Any]:
    """The client it is for: the one named, else the customer's only one in this account, else the customer by name."""
    if client_id is not None:
        client = get_record(account.company_id, "clients", client_id).record
        if client.account_id != account.id:
            raise invalid("body.client_id", "other_account", "This client is of another account.")
        return {"id": client.id, "name": client.name}
    if appointment.group:
        raise invalid("body.client_id", "required", "Several customers took part in it; name the client.")
    found_ids = record_store.clients_with(account.company_id, "customer", appointment.customer_id, 10)
    mine = [ids for ids in found_ids if ids[0] == account.id]
    if len(mine) > 1:
        ids = ", ".join(f"{account_id}.{number}" for account_id, number in mine)
        raise invalid("body.client_id", "required", f"The customer is several clients; give one of {ids}.")
    if mine:
        found: Sequence[Any] = record_store.find_at(account.company_id, "clients", mine)
        if found:
            return {"id": found[0].record.id, "name": found[0].record.name}
    customer = people.get(account.company_id, appointment.customer_id)
    known = {"name": customer.called, "email": customer.email, "phone": customer.phone}
    return {name: value for name, value in known.items() if value}


def _hold(new_unit: UnitFactory, order: Order) -> Order:
    unit = new_unit()
    order_store.save_order(unit, order)
    job = ReconcileDocument(
        company_id=order.company_id,
        account_id=order.account_id,
        resource=order.resource,
        appointment_id=order.appointment_id,
    )
    unit.enqueue(job, delay_seconds=LOOK_SECONDS)
    unit.audit("fic.document_ordered", order.appointment_id, (), account=order.account_id, resource=order.resource)
    unit.commit(Issued(order, None))
    return order


def _create(new_unit: UnitFactory, account: Account, order: Order, clock: Clock) -> Issued:
    try:
        with leased_client(account.company_id, account, new_unit, clock) as fic:
            made = fic.create_document(account.fic_company_id, order.document())
    except OutcomeUnknown:
        log.warning("fic outcome unknown", extra={"appointment_id": order.appointment_id})
        return Issued(order, None)
    except DomainError as refusal:
        # Refused, or never sent: it may be ordered anew.
        _release(new_unit, order, refusal.code)
        raise
    return _confirm(new_unit, account, order, made, clock)


def _settle(new_unit: UnitFactory, account: Account, order: Order, clock: Clock) -> Issued:
    """Of an order that is held: the document if FIC has it; made now if FIC surely has not."""
    found = _look(new_unit, account, order, clock)
    if found:
        return _confirm(new_unit, account, order, found, clock)
    if order.unsure(clock()):
        return Issued(order, None)
    return _create(new_unit, account, _hold(new_unit, order.again(clock())), clock)


def _look(new_unit: UnitFactory, account: Account, order: Order, clock: Clock) -> dict[str, Any] | None:
    """The document that carries the order's marker, among those changed since it was ordered."""
    since = order.ordered_at - LOOK_BACK
    with leased_client(account.company_id, account, new_unit, clock, calls=LOOK_CALLS) as fic:
        return _marked(fic, account, order, since)


def _marked(fic: FattureInCloud, account: Account, order: Order, since: Any) -> dict[str, Any] | None:
    number = 1
    while True:
        page = fic.page(account.fic_company_id, order.resource, number, updated_since=since)
        for sent in page.items:
            if sent.get("subject") == order.marker:
                return sent
        if number >= page.last_page:
            return None
        number += 1


def _confirm(new_unit: UnitFactory, account: Account, order: Order, sent: dict[str, Any], clock: Clock) -> Issued:
    """Keep the document as a record, and that the order is done."""
    at = clock()
    reading = read(account.company_id, account.id, order.resource, sent, at)
    if reading is None:
        raise OutcomeUnknown("fic_outcome_unknown", "Fatture in Cloud made a document but did not say which.")
    done = order.made(reading.record)

    def finish(unit: Unit, counts: UpsertCounts) -> None:
        order_store.save_order(unit, done)
        unit.audit("fic.document_made", order.appointment_id, ("fic_id",), record=reading.record.key)

    current = order_store.find_order(order.company_id, order.account_id, order.resource, order.appointment_id)
    if current and current.state == "issued":
        return Issued(current, _stored(current))
    write(VendorSnapshot(account.company_id, account.id, order.resource, [reading]), new_unit, finish)
    return Issued(done, _stored(done) or reading.record)


def _release(new_unit: UnitFactory, order: Order, reason: str) -> None:
    unit = new_unit()
    order_store.remove_order(unit, order)
    unit.audit("fic.document_released", order.appointment_id, (), reason=reason)
    try:
        unit.commit()
    except Stale:
        log.info("order settled meanwhile", extra={"appointment_id": order.appointment_id})


def _stored(order: Order) -> Record | None:
    if order.fic_id is None:
        return None
    found = record_store.find(order.company_id, order.account_id, order.resource, [order.fic_id])[order.fic_id]
    return found.record if found else None
