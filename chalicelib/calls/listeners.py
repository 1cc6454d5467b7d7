"""What calls do when appointments are booked and messages are left."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking.events import AppointmentBooked
from chalicelib.calls.events import CallMessageTaken
from chalicelib.calls.jobs import LinkBookedCall, MailCallMessage
from chalicelib.core.events import Event, Job


def _link(event: AppointmentBooked, company_id: str) -> Job | None:
    if event.call_id is None:
        return None
    return LinkBookedCall(company_id=company_id, call_id=event.call_id, appointment_id=event.appointment_id)


def _mail(event: CallMessageTaken, company_id: str) -> Job:
    return MailCallMessage(company_id=company_id, message_id=event.message_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    AppointmentBooked: (_link,),
    CallMessageTaken: (_mail,),
}
