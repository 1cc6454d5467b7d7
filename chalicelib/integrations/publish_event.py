"""Turning an event into deliveries, one for every endpoint that wants it, once however often the event comes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import WaitlistEntry
from chalicelib.core.clock import stamp
from chalicelib.core.errors import Stale
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.integrations import store
from chalicelib.integrations.jobs import DeliverWebhook, PublishWaiting, PublishWebhook
from chalicelib.integrations.webhook_endpoint import Delivery, Endpoint

SHOWN = (
    "id", "branch_id", "service_id", "staff_id", "customer_id", "call_id", "starts_at", "ends_at", "status", "source",
    "cancellation_reason", "created_at", "updated_at", "version", "fee_minor", "currency",
    "deposit_due_minor", "deposit_minor", "series_id",
)  # fmt: skip

SHOWN_OF_ENTRY = (
    "id", "branch_id", "customer_id", "service_ids", "status", "appointment_id", "expires_at", "created_at",
    "updated_at", "version",
)  # fmt: skip
SHOWN_OF_OFFER = ("id", "service_id", "staff_id", "starts_at", "ends_at", "until", "outcome")


class Message(msgspec.Struct, frozen=True):
    """What is told to endpoints, as Standard Webhooks asks for. `origin`: the id of an event, say, that it came of."""

    type: str
    data: dict[str, Any]
    origin: str
    at: datetime

    def body(self) -> str:
        """As JSON."""
        return msgspec.json.encode({"type": self.type, "timestamp": stamp(self.at), "data": self.data}).decode()


def publish(job: PublishWebhook, context: JobContext) -> None:
    """Add the deliveries and have them sent, in one transaction; nothing when that was done before."""

    def data() -> dict[str, Any]:
        return data_of(appointment_store.get_appointment(job.company_id, job.appointment_id)) | _participant(job)

    _publish(job.type, data, context)


def publish_waitlist(job: PublishWaiting, context: JobContext) -> None:
    """The same of what happened on the waiting list."""
    _publish(job.type, lambda: data_of_entry(waitlist_store.get(job.company_id, job.waiting_id)), context)


def _publish(kind: str, data: Callable[[], dict[str, Any]], context: JobContext) -> None:
    endpoints = [endpoint for endpoint in store.endpoints(context.company_id) if endpoint.wants(kind)]
    if not endpoints:
        return
    message = Message(kind, data(), origin=context.id.partition(":")[0], at=context.clock())
    unit = context.unit()
    for endpoint in endpoints:
        stage(unit, endpoint, message)
    try:
        unit.commit()
    except Stale:  # the same event came twice; its deliveries are on their way
        return


def stage(unit: Unit, endpoint: Endpoint, message: Message) -> Delivery:
    """Add a delivery of the message and have it sent; the same `origin` gives the same delivery."""
    # Ids of events sort by time, and so do those of deliveries: the newest can be listed first.
    delivery = Delivery(
        id=f"msg_{message.origin.rpartition('_')[2]}{endpoint.id[-6:]}",
        endpoint_id=endpoint.id,
        type=message.type,
        body=message.body(),
        created_at=message.at,
        next_at=message.at,
    )
    store.add_delivery(unit, delivery)
    unit.enqueue(DeliverWebhook(company_id=unit.company_id, endpoint_id=endpoint.id, delivery_id=delivery.id))
    return delivery


def data_of(appointment: Appointment) -> dict[str, Any]:
    """What a message tells of an appointment: ids and times; compare `version`, since messages may overtake another."""
    seats = {"seats": appointment.group.seats, "seats_left": appointment.group.left} if appointment.group else {}
    return {name: getattr(appointment, name) for name in SHOWN} | seats


def _participant(job: PublishWebhook) -> dict[str, Any]:
    if not job.participant_id:
        return {}
    return {"participant_id": job.participant_id, "customer_id": job.customer_id}


def data_of_entry(entry: WaitlistEntry) -> dict[str, Any]:
    """What a message tells of a place on the waiting list: ids, and the newest offer without its link."""
    data = {name: getattr(entry, name) for name in SHOWN_OF_ENTRY}
    newest = entry.offers[-1] if entry.offers else None
    return data | {"offer": {name: getattr(newest, name) for name in SHOWN_OF_OFFER} if newest else None}
