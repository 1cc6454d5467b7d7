"""What outgoing webhooks do when they are told of events."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking import events as booking
from chalicelib.core.events import Event, Job
from chalicelib.integrations.jobs import PublishWaiting, PublishWebhook


def _telling(kind: str) -> Callable[[Any, str], Job | None]:
    def tell(event: Any, company_id: str) -> Job:
        return PublishWebhook(company_id=company_id, type=kind, appointment_id=event.appointment_id)

    return tell


def _telling_of_participant(kind: str) -> Callable[[Any, str], Job | None]:
    def tell(event: Any, company_id: str) -> Job:
        return PublishWebhook(
            company_id=company_id,
            type=kind,
            appointment_id=event.appointment_id,
            participant_id=event.participant_id,
            customer_id=event.customer_id,
        )

    return tell


def _telling_of_waiting(kind: str) -> Callable[[Any, str], Job | None]:
    def tell(event: Any, company_id: str) -> Job:
        return PublishWaiting(company_id=company_id, type=kind, waiting_id=event.waiting_id)

    return tell


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    booking.AppointmentBooked: (_telling("appointment.booked"),),
    booking.AppointmentMoved: (_telling("appointment.moved"),),
    booking.AppointmentCancelled: (_telling("appointment.cancelled"),),
    booking.AppointmentMarked: (_telling("appointment.changed"),),
    booking.ParticipantJoined: (_telling_of_participant("participant.joined"),),
    booking.ParticipantLeft: (_telling_of_participant("participant.left"),),
    booking.ParticipantMoved: (_telling_of_participant("participant.moved"),),
    booking.WaitingAdded: (_telling_of_waiting("waiting.added"),),
    booking.WaitingOffered: (_telling_of_waiting("waiting.offered"),),
    booking.WaitingOfferEnded: (_telling_of_waiting("waiting.offer_ended"),),
    booking.WaitingBooked: (_telling_of_waiting("waiting.booked"),),
    booking.WaitingWithdrawn: (_telling_of_waiting("waiting.withdrawn"),),
    booking.WaitingExpired: (_telling_of_waiting("waiting.expired"),),
}
