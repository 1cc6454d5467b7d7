"""What the counters do when they are told of events: whatever it was, the appointment is counted as it stands now."""

from collections.abc import Callable
from typing import Any

from chalicelib.analytics.jobs import CountAppointment
from chalicelib.booking import events as booking
from chalicelib.core.events import Event, Job


def _count(event: Any, company_id: str) -> Job:
    return CountAppointment(
        company_id=company_id, appointment_id=event.appointment_id, branch_id=getattr(event, "branch_id", "")
    )


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    booking.AppointmentBooked: (_count,),
    booking.AppointmentReleased: (_count,),
    booking.AppointmentMoved: (_count,),
    booking.AppointmentCancelled: (_count,),
    booking.AppointmentMarked: (_count,),
}
