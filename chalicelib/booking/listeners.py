"""What booking itself does when it is told of what happened: free times are offered to who waits, customers mailed."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking import events
from chalicelib.booking.jobs import AskForReview, MailCustomer, News, OfferOpening, ServeWaiting
from chalicelib.core.events import Event, Job


def _freed(event: Any, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id)


def _moved_away(event: events.AppointmentMoved, company_id: str) -> Job:
    was = event.was_at or event.starts_at
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id, first=was, last=was)


def _released(event: events.AppointmentReleased, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id, reason=event.reason)


def _back(event: events.TimeOffWithdrawn | events.ExternalBusyChanged, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, staff_id=event.staff_id, first=event.starts_at, last=event.ends_at)


def _changed(event: events.PracticeChanged, company_id: str) -> Job | None:
    return OfferOpening(company_id=company_id, branch_ids=tuple(event.branch_ids)) if event.branch_ids else None


def _joined(event: events.WaitingAdded, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, branch_ids=(event.branch_id,), waiting_id=event.waiting_id)


def _serve(event: events.AppointmentBooked, company_id: str) -> Job:
    return ServeWaiting(company_id=company_id, appointment_id=event.appointment_id)


def _mail_about(news: News, *, participant: bool = False, status: str = "") -> Callable[[Any, str], Job | None]:
    """Mail the news, to the participant alone that an event is about; of events with a status, about this one alone."""

    def mail(event: Any, company_id: str) -> Job | None:
        if status and event.status != status:
            return None
        whom = event.customer_id if participant else ""
        return MailCustomer(company_id=company_id, appointment_id=event.appointment_id, news=news, customer_id=whom)

    return mail


def _mail_merged(event: events.ParticipantMoved, company_id: str) -> Job:
    return MailCustomer(
        company_id=company_id,
        appointment_id=event.appointment_id,
        news="moved",
        customer_id=event.customer_id,
        moved_from=event.from_appointment_id,
    )


def _ask_for_review(event: events.AppointmentMarked, company_id: str) -> Job | None:
    if event.status != "completed":
        return None
    return AskForReview(company_id=company_id, appointment_id=event.appointment_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    events.AppointmentBooked: (_mail_about("booked"), _serve),
    events.AppointmentCancelled: (_freed, _mail_about("cancelled")),
    events.AppointmentReassigned: (_freed,),
    events.AppointmentMoved: (_moved_away, _mail_about("moved")),
    events.AppointmentMarked: (_mail_about("confirmed", status="confirmed"), _ask_for_review),
    events.AppointmentReleased: (_released,),
    events.TimeOffWithdrawn: (_back,),
    events.ExternalBusyChanged: (_back,),
    events.PracticeChanged: (_changed,),
    events.WaitingAdded: (_joined,),
    events.ParticipantJoined: (_mail_about("booked", participant=True),),
    events.ParticipantLeft: (_mail_about("cancelled", participant=True),),
    events.ParticipantMoved: (_mail_merged,),
}
