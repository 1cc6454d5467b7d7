"""What booking itself does when it is told of what has happened: a time that became free is offered to who waits."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking import events
from chalicelib.booking.jobs import OfferOpening
from chalicelib.core.events import Event, Job


def _freed(event: Any, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id)


def _moved_away(event: events.AppointmentMoved, company_id: str) -> Job:
    was = event.was_at or event.starts_at
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id, first=was, last=was)


def _released(event: events.AppointmentReleased, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, appointment_id=event.appointment_id, reason=event.reason)


def _back(event: events.TimeOffWithdrawn, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, staff_id=event.staff_id, first=event.starts_at, last=event.ends_at)


def _changed(event: events.PracticeChanged, company_id: str) -> Job | None:
    return OfferOpening(company_id=company_id, branch_ids=tuple(event.branch_ids)) if event.branch_ids else None


def _joined(event: events.WaitingAdded, company_id: str) -> Job:
    return OfferOpening(company_id=company_id, branch_ids=(event.branch_id,), waiting_id=event.waiting_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    events.AppointmentCancelled: (_freed,),
    events.AppointmentReassigned: (_freed,),
    events.AppointmentMoved: (_moved_away,),
    events.AppointmentReleased: (_released,),
    events.TimeOffWithdrawn: (_back,),
    events.PracticeChanged: (_changed,),
    events.WaitingAdded: (_joined,),
}
