"""What text sessions do when appointments are cancelled."""

from collections.abc import Callable
from typing import Any

from chalicelib.booking.events import AppointmentCancelled
from chalicelib.core.events import Event, Job
from chalicelib.text_sessions.jobs import EndCancelled


def _end(event: AppointmentCancelled, company_id: str) -> Job:
    return EndCancelled(company_id=company_id, appointment_id=event.appointment_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {AppointmentCancelled: (_end,)}
