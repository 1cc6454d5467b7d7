"""What figures do when they are told of events: an appointment is counted as it stands now, whatever happened to it."""

from collections.abc import Callable
from typing import Any

from chalicelib.analytics.jobs import CountAppointment, MeasureAvailable
from chalicelib.booking import events as booking
from chalicelib.core.events import Event, Job


def _count(event: Any, company_id: str) -> Job:
    return CountAppointment(
        company_id=company_id, appointment_id=event.appointment_id, branch_id=getattr(event, "branch_id", "")
    )


def _measure(event: booking.PracticeChanged, company_id: str) -> Job | None:
    if event.kind not in ("branch", "staff") or not event.branch_ids:
        return None
    return MeasureAvailable(company_id=company_id, branch_ids=tuple(event.branch_ids))


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    booking.AppointmentBooked: (_count,),
    booking.AppointmentReleased: (_count,),
    booking.AppointmentMoved: (_count,),
    booking.AppointmentCancelled: (_count,),
    booking.AppointmentMarked: (_count,),
    booking.PracticeChanged: (_measure,),
}
