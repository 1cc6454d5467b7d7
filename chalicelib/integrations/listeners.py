"""What outgoing webhooks do when they are told of events."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking import events as booking
from chalicelib.core.events import Event, Job
from chalicelib.integrations.jobs import PublishWaiting, PublishWebhook


def _publishing(kind: str) -> Callable[[Any, str], Job | None]:
    def publish(event: Any, company_id: str) -> Job:
        return PublishWebhook(company_id=company_id, type=kind, appointment_id=event.appointment_id)

    return publish


def _publishing_participant(kind: str) -> Callable[[Any, str], Job | None]:
    def publish(event: Any, company_id: str) -> Job:
        return PublishWebhook(
            company_id=company_id,
            type=kind,
            appointment_id=event.appointment_id,
            participant_id=event.participant_id,
            customer_id=event.customer_id,
        )

    return publish


def _publishing_waitlist(kind: str) -> Callable[[Any, str], Job | None]:
    def publish(event: Any, company_id: str) -> Job:
        return PublishWaiting(company_id=company_id, type=kind, waiting_id=event.waiting_id)

    return publish


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    booking.AppointmentBooked: (_publishing("appointment.booked"),),
    booking.AppointmentMoved: (_publishing("appointment.moved"),),
    booking.AppointmentCancelled: (_publishing("appointment.cancelled"),),
    booking.AppointmentMarked: (_publishing("appointment.changed"),),
    booking.ParticipantJoined: (_publishing_participant("participant.joined"),),
    booking.ParticipantLeft: (_publishing_participant("participant.left"),),
    booking.ParticipantMoved: (_publishing_participant("participant.moved"),),
    booking.WaitingAdded: (_publishing_waitlist("waiting.added"),),
    booking.WaitingOffered: (_publishing_waitlist("waiting.offered"),),
    booking.WaitingOfferEnded: (_publishing_waitlist("waiting.offer_ended"),),
    booking.WaitingBooked: (_publishing_waitlist("waiting.booked"),),
    booking.WaitingWithdrawn: (_publishing_waitlist("waiting.withdrawn"),),
    booking.WaitingExpired: (_publishing_waitlist("waiting.expired"),),
}
