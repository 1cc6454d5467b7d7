"""What happens to appointments."""

from datetime import datetime

from chalicelib.core.events import Event


class AppointmentBooked(Event):
    """It stands: here, and at the provider that the branch books through, if any."""

    appointment_id: str
    customer_id: str
    branch_id: str
    source: str
    version: int
    call_id: str | None = None


class AppointmentReleased(Event):
    """The hold was given up because the provider does not have the booking; `reason` is a code."""

    appointment_id: str
    reason: str
    version: int


class AppointmentMoved(Event):
    """It takes place at another time."""

    appointment_id: str
    starts_at: datetime
    version: int
    was_at: datetime | None = None


class AppointmentReassigned(Event):
    """Another member of staff does it."""

    appointment_id: str
    staff_id: str
    version: int


class AppointmentChangeDropped(Event):
    """A change that was asked for will not be: the provider refused it, or turned out never to have made it."""

    appointment_id: str
    kind: str
    reason: str
    version: int


class AppointmentAttendeesChanged(Event):
    """Who comes was changed; `fields` names what."""

    appointment_id: str
    fields: tuple[str, ...]
    version: int


class AppointmentCancelled(Event):
    """It does not take place (cancelled or declined)."""

    appointment_id: str
    status: str
    version: int


class AppointmentMarked(Event):
    """Its status changed without its time: requested, no_show, completed, confirmed (again)."""

    appointment_id: str
    status: str
    version: int


class VendorBookingUnassigned(Event):
    """It was booked at a provider over something that stands here; someone has to decide who does it."""

    appointment_id: str
    branch_id: str


class TimeOffTaken(Event):
    """A member of staff is away in this time."""

    time_off_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime


class TimeOffWithdrawn(Event):
    """They are there after all."""

    time_off_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime


class PracticeChanged(Event):
    """A branch, service, member of staff or resource (`kind`) was added, changed or removed.

    `branch_ids`: whose schedules changed with it.
    """

    kind: str
    record_id: str
    version: int
    branch_ids: list[str]


class ParticipantJoined(Event):
    """A customer takes part in a group; who opens it with their booking, too."""

    appointment_id: str
    participant_id: str
    customer_id: str
    seats: int
    version: int


class ParticipantLeft(Event):
    """A customer takes part no more."""

    appointment_id: str
    participant_id: str
    customer_id: str
    version: int


class ParticipantMoved(Event):
    """Their group was too small and became part of another one, of the same day; `from_appointment_id` is over."""

    appointment_id: str
    participant_id: str
    customer_id: str
    from_appointment_id: str
    version: int


class WaitingAdded(Event):
    """Someone is on the waiting list."""

    waiting_id: str
    branch_id: str


class WaitingOffered(Event):
    """A time is kept for someone on the waiting list, until `until`."""

    waiting_id: str
    offer_id: str
    branch_id: str
    service_id: str
    starts_at: datetime
    until: datetime


class WaitingOfferEnded(Event):
    """An offer came to nothing; `outcome`: declined, lapsed, withdrawn, or gone (the provider had it not)."""

    waiting_id: str
    offer_id: str
    branch_id: str
    outcome: str


class WaitingBooked(Event):
    """An offer was accepted: the appointment stands, or is held until the provider has it."""

    waiting_id: str
    offer_id: str
    branch_id: str
    appointment_id: str


class WaitingWithdrawn(Event):
    """Someone is off the waiting list."""

    waiting_id: str
    branch_id: str


class WaitingExpired(Event):
    """Someone has waited as long as they wanted to."""

    waiting_id: str
    branch_id: str


class ExternalBusyChanged(Event):
    """Another calendar (`source`) says anew what is busy of a member of staff in this time; `count` of busy times."""

    staff_id: str
    source: str
    starts_at: datetime
    ends_at: datetime
    count: int
