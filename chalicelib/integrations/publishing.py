"""Turning an event into deliveries, one for every endpoint that wants it, once however often the event comes."""

from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking import store as booking
from chalicelib.booking.appointment import Appointment
from chalicelib.core.clock import stamp
from chalicelib.core.errors import Stale
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.integrations import store
from chalicelib.integrations.endpoint import Delivery, Endpoint
from chalicelib.integrations.jobs import DeliverWebhook, PublishWebhook

SHOWN = (
    "id", "branch_id", "service_id", "staff_id", "customer_id", "call_id", "starts_at", "ends_at", "status", "source",
    "cancellation_reason", "created_at", "updated_at", "version", "series_id",
)  # fmt: skip


def publish(job: PublishWebhook, context: JobContext) -> None:
    """Add the deliveries and have them sent, in one transaction; nothing when that was done before."""
    wanted = [endpoint for endpoint in store.endpoints(job.company_id) if endpoint.wants(job.type)]
    if not wanted:
        return
    appointment = booking.get_appointment(job.company_id, job.appointment_id)
    at = context.clock()
    body = message(job.type, data_of(appointment), at)
    unit = context.unit()
    for endpoint in wanted:
        stage(unit, endpoint, job.type, body, context.id.partition(":")[0], at)
    try:
        unit.commit()
    except Stale:  # the same event came twice; its deliveries are on their way
        return


def stage(unit: Unit, endpoint: Endpoint, kind: str, body: str, origin: str, at: datetime) -> Delivery:
    """Add a delivery and have it sent; the same `origin` (the id of an event, say) gives the same delivery."""
    # Ids of events sort by time, and so do those of deliveries: the newest can be listed first.
    delivery = Delivery(
        id=f"msg_{origin.rpartition('_')[2]}{endpoint.id[-6:]}",
        endpoint_id=endpoint.id,
        type=kind,
        body=body,
        created_at=at,
        next_at=at,
    )
    store.add_delivery(unit, delivery)
    unit.enqueue(DeliverWebhook(company_id=unit.company_id, endpoint_id=endpoint.id, delivery_id=delivery.id))
    return delivery


def message(kind: str, data: dict[str, Any], at: datetime) -> str:
    """The body of a message: type, timestamp and data, as Standard Webhooks asks for."""
    return msgspec.json.encode({"type": kind, "timestamp": stamp(at), "data": data}).decode()


def data_of(appointment: Appointment) -> dict[str, Any]:
    """What a message tells of an appointment: ids and times; compare `version`, since messages may overtake another."""
    return {name: getattr(appointment, name) for name in SHOWN}
