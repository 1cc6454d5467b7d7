"""What clients get to see of appointments."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import asdict, replace

from chalicelib.booking.appointments.appointment import Appointment, PendingChange
from chalicelib.booking.appointments.group import Participant
from chalicelib.booking.appointments.package import FirstPart
from chalicelib.core.payloads import Answer
from functions.booking.addresses import AddressAnswer, show_address


class PendingAnswer(Answer):
    """A change that the provider has not agreed to yet; with where it would be, if that is what changes."""

    kind: str
    since: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    staff_id: str | None


class AttendeeAnswer(Answer):
    """Who comes, as the booking has it."""

    name: str
    email: str | None
    phone: str | None


class ParticipantAnswer(Answer):
    """Who takes part in a group, as told when they joined, and how many of its seats they have."""

    id: str
    customer_id: str
    name: str
    email: str | None
    phone: str | None
    seats: int
    source: str
    joined_at: datetime


class GroupAnswer(Answer):
    """The seats of a group. `participants` is null in lists: ask for those of one. `deadline_at`: when the minimum is
    looked at; null: not, or it was.
    """

    seats: int
    least_seats: int
    seats_left: int
    deadline_at: datetime | None
    participants: list[ParticipantAnswer] | None


class BookedPartAnswer(Answer):
    """A part of a package; `id`: of its appointment."""

    id: str
    service_id: str
    staff_id: str | None
    resource_ids: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    status: str


class InPackageAnswer(Answer):
    """The package that an appointment is a part of, and its service. `parts`: all, in the answer to its booking."""

    id: str
    service_id: str
    parts: list[BookedPartAnswer] | None = None


class AppointmentAnswer(Answer):
    """An appointment. Instants are RFC 3339 in UTC; `external_id`: the provider's id of the booking,
    `calcom_booking_id`: Cal.com's number of it.

    `channel`: in_person, text, video, phone.
    `status` held: the time is taken, the provider has not confirmed yet. Compare `version` to see whether it changed.
    `moves` counts how often it got another time. `pending_change`: a change that the provider has yet to agree to.
    `group`: of a service with several seats; `customer_id` is then whoever is asked about, else the first participant.
    `address`: where a mobile service takes place. `fee_minor`: what is to be billed for cancelling it, in minor units
    of `currency`. `deposit_due_minor`: the deposit that was asked for, `deposit_minor`: what was paid. `package`: what
    it is a part of; whoever books a package gets the first part. Move or cancel the package as such.
    """

    id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    resource_ids: tuple[str, ...]
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
    pending_change: PendingAnswer | None
    moves: int
    attendee: AttendeeAnswer | None
    guests: tuple[str, ...]
    group: GroupAnswer | None
    address: AddressAnswer | None
    created_at: datetime
    updated_at: datetime
    version: int
    fee_minor: int
    currency: str | None
    deposit_due_minor: int
    deposit_minor: int
    series_id: str | None
    package: InPackageAnswer | None


def show(appointment: Appointment) -> AppointmentAnswer:
    """The appointment as clients see it."""
    fields = AppointmentAnswer.__struct_fields__
    given = {name: getattr(appointment, name) for name in fields if name != "calcom_booking_id"}
    given["calcom_booking_id"] = appointment.external_number
    given["pending_change"] = _pending(appointment.pending_change)
    given["address"] = show_address(appointment.address)
    if appointment.attendee:
        given["attendee"] = AttendeeAnswer(**asdict(appointment.attendee))
    given["group"] = _group(appointment)
    given["package"] = show_package_of(appointment)
    return AppointmentAnswer(**given)


def show_listed(appointment: Appointment) -> AppointmentAnswer:
    """The appointment in a list: of a group the seats, not everyone who has one."""
    shown = show(appointment)
    if shown.group is None:
        return shown
    return replace(shown, group=replace(shown.group, participants=None))


def show_participants(participants: Iterable[Participant]) -> list[ParticipantAnswer]:
    """Who takes part."""
    return [ParticipantAnswer(**asdict(one)) for one in participants]


def show_package_of(appointment: Appointment) -> InPackageAnswer | None:
    """What the appointment is a part of; with all parts when it was booked just now."""
    if appointment.package is None:
        return None
    parts = [show_part(part) for part in appointment.parts] if isinstance(appointment, FirstPart) else None
    return InPackageAnswer(**asdict(appointment.package), parts=parts)


def show_part(part: Appointment) -> BookedPartAnswer:
    """A part of a package as clients see it."""
    return BookedPartAnswer(**{name: getattr(part, name) for name in BookedPartAnswer.__struct_fields__})


def _group(appointment: Appointment) -> GroupAnswer | None:
    group = appointment.group
    if group is None:
        return None
    return GroupAnswer(
        seats=group.seats,
        least_seats=group.least_seats,
        seats_left=group.left,
        deadline_at=appointment.deadline(),
        participants=show_participants(group.participants),
    )


def _pending(change: PendingChange | None) -> PendingAnswer | None:
    if change is None:
        return None
    slot = change.slot
    return PendingAnswer(
        kind=change.kind,
        since=change.since,
        starts_at=slot.starts_at if slot else None,
        ends_at=slot.ends_at if slot else None,
        staff_id=slot.staff_id if slot else None,
    )
