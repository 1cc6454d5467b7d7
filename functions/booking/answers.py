"""What clients get to see of appointments."""

from datetime import datetime

from chalicelib.booking.appointment import Appointment
from chalicelib.core.payloads import Answer


class AppointmentAnswer(Answer):
    """An appointment. Instants are RFC 3339 in UTC; `external_id` is Cal.com's uid of the booking.

    `channel`: in_person, text, video, phone.
    `status` held: the time is taken, Cal.com has not confirmed yet. Compare `version` to see whether it changed.
    """

    id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    customer_id: str
    call_id: str | None
    starts_at: datetime
    ends_at: datetime
    channel: str
    status: str
    source: str
    metadata: dict[str, str]
    calcom_booking_id: int | None
    external_id: str | None
    cancellation_reason: str | None
    created_at: datetime
    updated_at: datetime
    version: int


def show(appointment: Appointment) -> AppointmentAnswer:
    """The appointment as clients see it."""
    fields = AppointmentAnswer.__struct_fields__
    return AppointmentAnswer(**{name: getattr(appointment, name) for name in fields})
