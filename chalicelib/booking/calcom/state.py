"""What Cal.com says of a booking, however it reached us, and what our appointment becomes by it. No I/O."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from chalicelib.booking.appointments.appointment import (
    OVER,
    Appointment,
    Attendee,
    ExternalState,
    PendingChange,
    Status,
    TimeSlot,
)
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.vendors.calcom_webhook import BookingPayload, CalComEvent, Person

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import BookedPerson, Booking


CHANGE = "change_id"
"""The key of a booking's metadata that names the change it was made for."""
STATUS_OF: dict[str, Status] = {
    "accepted": "confirmed",
    "pending": "requested",
    "cancelled": "cancelled",
    "rejected": "declined",
}
MADE_UP = "@sms.cal."
_TRIGGER_OF = {
    "accepted": "BOOKING_CREATED",
    "pending": "BOOKING_REQUESTED",
    "cancelled": "BOOKING_CANCELLED",
    "rejected": "BOOKING_REJECTED",
}
_STAYS: frozenset[Status] = frozenset({"no_show", "completed"})
"""What we know better than an accepted booking tells."""
Outcome = Literal["done", "elsewhere", "untouched"]


def as_event(booking: "Booking", old_uid: str | None = None) -> CalComEvent:
    """A booking that was read, in the shape of the webhook that would have told of it; `created_at` is its last change.

    `old_uid`: the booking that it replaces, where Cal.com does not name it.
    """
    replaced = booking.rescheduled_from_uid or old_uid
    trigger = _TRIGGER_OF.get(booking.status, "UNKNOWN")
    payload = BookingPayload(
        uid=booking.uid,
        booking_id=booking.id,
        event_type_id=booking.event_type_id,
        start_time=booking.start,
        end_time=booking.end,
        status=booking.status.upper(),
        organizer=_person(booking.hosts[0]) if booking.hosts else None,
        attendees=[_person(one) for one in booking.attendees] + [Person(email=one) for one in booking.guests],
        metadata=booking.metadata,
        reschedule_uid=replaced,
        cancellation_reason=booking.cancellation_reason,
    )
    moved = trigger == "BOOKING_CREATED" and replaced is not None
    return CalComEvent(
        trigger="BOOKING_RESCHEDULED" if moved else trigger,
        created_at=booking.updated_at or booking.created_at,
        payload=payload,
        body_digest="",
    )


def _person(one: "BookedPerson") -> Person:
    return Person(
        id=one.id, name=one.name, email=one.email, username=one.username, phone_number=one.phone_number,
        no_show=one.absent,
    )  # fmt: skip


def host_of(schedule: Schedule, appointment: Appointment, payload: BookingPayload) -> Staff | None:
    """Who of us holds the booking by Cal.com's word: by its event type, else by user id or e-mail; None: not known."""
    service = next((one for one in schedule.services if one.id == appointment.service_id), None)
    types = service.calcom_event_types if service else {}
    fixed = {event_type: whose for whose, event_type in types.items() if whose != "*"}
    organizer = payload.organizer or Person()
    for member in schedule.staff:
        if member.id == fixed.get(payload.event_type_id or -1) or is_host(member, organizer):
            return member
    return None


def is_host(member: Staff, organizer: Person) -> bool:
    """Whether Cal.com means this member of staff."""
    if organizer.id is not None and member.calcom_user_id is not None:
        return member.calcom_user_id == organizer.id
    return bool(organizer.email and member.email and member.email.lower() == organizer.email.lower())


def judge(old: Appointment, event: CalComEvent, host: Staff | None) -> Outcome:
    """What became of the pending change: carried out, overtaken by something else, or nothing has happened (yet)."""
    change, payload = old.pending_change, event.payload
    said = STATUS_OF.get((payload.status or "").lower())
    if change and _carried_out(old, change, payload, said, host):
        return "done"
    same = payload.uid == old.external_id and payload.start_time in (None, old.starts_at)
    live = said in ("confirmed", "requested") and (said == old.status or old.status in _STAYS)
    return "untouched" if same and live else "elsewhere"


def _carried_out(
    old: Appointment, change: PendingChange, payload: BookingPayload, said: Status | None, host: Staff | None
) -> bool:
    match change.kind:
        case "cancel":
            return said in ("cancelled", "declined")
        case "decline":
            return said in ("declined", "cancelled")
        case "confirm":
            return said == "confirmed" and payload.uid == old.external_id
        case "reassign":
            return change.place is not None and host is not None and host.id == change.place.staff_id
        case _:
            there = change.place is not None and payload.start_time == change.place.starts_at
            return there and payload.uid != old.external_id and said in ("confirmed", "requested")


def in_line(old: Appointment, event: CalComEvent, status: Status, host: Staff | None, at: datetime) -> Appointment:
    """The appointment as Cal.com's word makes it, where the booking stands (confirmed or requested).

    A pending change that is carried out, or that a new booking has overtaken, is over; otherwise it stays pending.
    """
    payload, change = event.payload, old.pending_change
    replaced = payload.uid is not None and payload.uid != old.external_id
    done = change is not None and judge(old, event, host) == "done"
    place = _place(old, payload, host, change.place if done and change else None)
    there = _there(old.there, payload, replaced)
    return old.changed(
        at,
        **old.at(place),
        **people(old, there),
        status=_status(old, status, there, replaced),
        there=there,
        booked_as=old.booked_as or ("confirmed" if status == "confirmed" else None),
        pending_change=None if done or replaced else change,
        external_id=payload.uid or old.external_id,
        calcom_booking_id=payload.booking_id if payload.booking_id is not None else old.calcom_booking_id,
        calcom_seen_at=later(event.created_at, old.calcom_seen_at),
    )


def _status(old: Appointment, said: Status, there: ExternalState, replaced: bool) -> Status:
    if said != "confirmed" or replaced:
        return said
    if there.absent != old.there.absent:
        return "no_show" if there.absent else (said if old.status == "no_show" else old.status)
    return old.status if old.status in _STAYS else said


def _there(before: ExternalState, payload: BookingPayload, replaced: bool) -> ExternalState:
    """What Cal.com says now; what this piece of news does not mention is as it was said before."""
    marks = [one.no_show for one in payload.attendees if one.no_show is not None]
    absent = any(marks) if marks else before.absent and not replaced
    host = payload.organizer.id if payload.organizer and payload.organizer.id is not None else before.host
    named = [one for one in payload.attendees if one.name or one.phone_number]
    if not named:  # a no-show's payload has no more of them than their addresses
        return ExternalState(host=host, absent=absent, attendee=before.attendee, guests=before.guests)
    known = before.attendee or Attendee()
    first = Attendee(
        name=named[0].name or known.name,
        email=_address(named[0]) or known.email,
        phone=named[0].phone_number or known.phone,
    )
    guests = {address.lower() for one in payload.attendees if one is not named[0] and (address := _address(one))}
    others = guests - {(first.email or "").lower()}
    return ExternalState(host=host, absent=absent, attendee=first, guests=tuple(sorted(others)))


def _address(one: Person) -> str | None:
    """Without the one that Cal.com makes up for whoever gave a phone number only."""
    return None if one.email is None or MADE_UP in one.email else one.email


def people(old: Appointment, there: ExternalState) -> dict[str, object]:
    """Who comes, after what Cal.com says now: ours stays where Cal.com says what it said before."""
    fields: dict[str, object] = {}
    if there.attendee != old.there.attendee:
        fields["attendee"] = there.attendee
    if there.guests != old.there.guests:
        mine = {(old.attendee.email or "").lower()} if old.attendee and "attendee" not in fields else set()
        fields["guests"] = tuple(sorted({*there.guests} - mine))
    return fields


def there_of(payload: BookingPayload) -> ExternalState:
    """What Cal.com says besides time and status, in the first news of a booking."""
    return _there(ExternalState(), payload, replaced=False)


def first_said(payload: BookingPayload) -> dict[str, object]:
    """The fields of an appointment that tell who comes, from the first news of its booking."""
    there = there_of(payload)
    return {"there": there, "attendee": there.attendee, "guests": there.guests}


def echoes(old: Appointment, event: CalComEvent) -> bool:
    """Whether the news is nothing but what the appointment says already, so that Cal.com need not be asked."""
    payload = event.payload
    if event.trigger in ("BOOKING_CANCELLED", "BOOKING_REJECTED"):
        return old.status in OVER
    return (
        old.pending_change is None
        and payload.uid == old.external_id
        and event.trigger in ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_REQUESTED")
        and STATUS_OF.get((payload.status or "").lower()) == old.status
        and payload.start_time in (None, old.starts_at)
        and payload.end_time in (None, old.ends_at)
        and _there(old.there, payload, replaced=False) == old.there
    )


def _place(old: Appointment, payload: BookingPayload, host: Staff | None, held: TimeSlot | None) -> TimeSlot:
    known = held or old.place()
    staff_id = host.id if host else known.staff_id
    home = host.home_branch_id if host else known.home_branch_id
    return TimeSlot(
        starts_at=whole_minute(payload.start_time) if payload.start_time else known.starts_at,
        ends_at=whole_minute(payload.end_time) if payload.end_time else known.ends_at,
        staff_id=staff_id,
        home_branch_id=home,
    )


def whole_minute(instant: datetime) -> datetime:
    """Calendars count in whole minutes."""
    return instant - timedelta(seconds=instant.second, microseconds=instant.microsecond)


def later(left: datetime | None, right: datetime | None) -> datetime | None:
    """The later of two instants, where there are two."""
    return max(left, right) if left and right else left or right
