"""What bookings do when they are told of their own events: the customer is mailed."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking import events
from chalicelib.booking.customer_letters import News
from chalicelib.booking.jobs import AskForReview, MailCustomer
from chalicelib.core.events import Event, Job


def _mailing(news: News) -> Callable[[Any, str], Job | None]:
    def mail(event: Any, company_id: str) -> Job:
        return MailCustomer(company_id=company_id, appointment_id=event.appointment_id, news=news)

    return mail


def _mail_confirmed(event: events.AppointmentMarked, company_id: str) -> Job | None:
    if event.status != "confirmed":
        return None
    return MailCustomer(company_id=company_id, appointment_id=event.appointment_id, news="confirmed")


def _ask_for_review(event: events.AppointmentMarked, company_id: str) -> Job | None:
    if event.status != "completed":
        return None
    return AskForReview(company_id=company_id, appointment_id=event.appointment_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    events.AppointmentBooked: (_mailing("booked"),),
    events.AppointmentMoved: (_mailing("moved"),),
    events.AppointmentCancelled: (_mailing("cancelled"),),
    events.AppointmentMarked: (_mail_confirmed, _ask_for_review),
}
