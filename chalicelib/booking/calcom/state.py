"""What Cal.com says of a booking, however it reached us, and what our appointment becomes by it. No I/O."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib.booking.appointments.appointment import OVER, Appointment, Attendee, ExternalState, Status, TimeSlot
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
MADE_UP = re.compile(r"@sms\.cal\.[a-z.]+$", re.I)
"""The domain of addresses that Cal.com makes up for whoever gave a phone number only."""
PHONE_ANSWERS = ("attendeePhoneNumber", "phone", "smsReminderNumber", "aiAgentCallPhoneNumber")
PHONE = re.compile(r"\+?[\d\s()./-]+")
FEWEST_DIGITS = 7
_TRIGGER_OF = {
    "accepted": "BOOKING_CREATED",
    "pending": "BOOKING_REQUESTED",
    "cancelled": "BOOKING_CANCELLED",
    "rejected": "BOOKING_REJECTED",
}
_STAYS: frozenset[Status] = frozenset({"no_show", "completed"})
"""What we know better than an accepted booking tells."""
Outcome = Literal["done", "elsewhere", "untouched"]


class BookingReport(msgspec.Struct, frozen=True):
    """What Cal.com says of a booking, and the status that it gives our appointment; `reason` of an end."""

    event: CalComEvent
    status: Status
    reason: str | None = None


def report_of(booking: "Booking", old_uid: str | None = None) -> BookingReport:
    """What a booking that was read says; `old_uid`: the one that it replaces, where Cal.com does not name it."""
    return BookingReport(as_event(booking, old_uid), STATUS_OF[booking.status])


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
    service = schedule.find_service(appointment.service_id)
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
    payload, status = event.payload, STATUS_OF.get((event.payload.status or "").lower())
    if _carried_out(old, payload, status, host):
        return "done"
    same = payload.uid == old.external_id and payload.start_time in (None, old.starts_at)
    live = status in ("confirmed", "requested") and (status == old.status or old.status in _STAYS)
    return "untouched" if same and live else "elsewhere"


def _carried_out(old: Appointment, payload: BookingPayload, status: Status | None, host: Staff | None) -> bool:
    change = old.pending_change
    slot = change.slot if change else None
    match change.kind if change else None:
        case None:
            return False
        case "cancel" | "decline":
            return status in ("cancelled", "declined")
        case "confirm":
            return status == "confirmed" and payload.uid == old.external_id
        case "reassign":
            return slot is not None and host is not None and host.id == slot.staff_id
        case _:
            moved = slot is not None and payload.start_time == slot.starts_at and payload.uid != old.external_id
            return moved and status in ("confirmed", "requested")


def with_external_state(old: Appointment, report: BookingReport, host: Staff | None, at: datetime) -> Appointment:
    """The appointment as Cal.com's word makes it, where the booking stands (confirmed or requested).

    A pending change that is carried out, or that a new booking has overtaken, is over; otherwise it stays pending.
    """
    event, payload, change = report.event, report.event.payload, old.pending_change
    replaced = payload.uid is not None and payload.uid != old.external_id
    done = change is not None and judge(old, event, host) == "done"
    external = _external(old.external, payload, replaced)
    return old.changed(
        at,
        **old.at(_slot(payload, host, (change.slot if done and change else None) or old.slot())),
        **_people(old, external),
        status=_status(old, report.status, external, replaced),
        external=external,
        booked_as=old.booked_as or ("confirmed" if report.status == "confirmed" else None),
        pending_change=None if done or replaced else change,
        external_id=payload.uid or old.external_id,
        calcom_booking_id=payload.booking_id if payload.booking_id is not None else old.calcom_booking_id,
        calcom_seen_at=later(event.created_at, old.calcom_seen_at),
    )


def _status(old: Appointment, status: Status, external: ExternalState, replaced: bool) -> Status:
    if status != "confirmed" or replaced:
        return status
    if external.absent != old.external.absent:
        return "no_show" if external.absent else (status if old.status == "no_show" else old.status)
    return old.status if old.status in _STAYS else status


def _external(before: ExternalState, payload: BookingPayload, replaced: bool) -> ExternalState:
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
        phone=named[0].phone_number or _phone(payload) or known.phone,
    )
    guests = {address.lower() for one in payload.attendees if one is not named[0] and (address := _address(one))}
    others = guests - {(first.email or "").lower()}
    return ExternalState(host=host, absent=absent, attendee=first, guests=tuple(sorted(others)))


def _address(one: Person) -> str | None:
    """Without the one that Cal.com makes up for whoever gave a phone number only."""
    return None if one.email is None or MADE_UP.search(one.email.strip()) else one.email


def _people(old: Appointment, external: ExternalState) -> dict[str, object]:
    """Who comes, after what Cal.com says now: ours stays where Cal.com says what it said before."""
    fields: dict[str, object] = {}
    if external.attendee != old.external.attendee:
        fields["attendee"] = external.attendee
    if external.guests != old.external.guests:
        mine = {(old.attendee.email or "").lower()} if old.attendee and "attendee" not in fields else set()
        fields["guests"] = tuple(sorted({*external.guests} - mine))
    return fields


def attendee_of(payload: BookingPayload) -> Attendee:
    """Who comes by what Cal.com says: its attendee, or where that has no number, the form's answer or the location."""
    first = payload.attendees[0] if payload.attendees else Person()
    return Attendee(name=first.name or "", email=_address(first), phone=first.phone_number or _phone(payload))


def _phone(payload: BookingPayload) -> str | None:
    answers = (payload.responses.get(name) for name in PHONE_ANSWERS)
    texts = (one.get("value") if isinstance(one, dict) else one for one in (*answers, payload.location))
    found = (_as_number(text) for text in texts if isinstance(text, str))
    return next((number for number in found if number), None)


def _as_number(text: str) -> str | None:
    """A text that is a telephone number and nothing else; a location may be an address or a link."""
    plain = text.strip().removeprefix("tel:")
    return plain if PHONE.fullmatch(plain) and sum(map(str.isdigit, plain)) >= FEWEST_DIGITS else None


def external_of(payload: BookingPayload) -> ExternalState:
    """What Cal.com says besides time and status, in the first news of a booking."""
    return _external(ExternalState(), payload, replaced=False)


def who_comes(payload: BookingPayload) -> dict[str, object]:
    """The fields of an appointment that tell who comes, from the first news of its booking."""
    external = external_of(payload)
    return {"external": external, "attendee": external.attendee, "guests": external.guests}


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
        and _external(old.external, payload, replaced=False) == old.external
    )


def _slot(payload: BookingPayload, host: Staff | None, known: TimeSlot) -> TimeSlot:
    starts_at = whole_minute(payload.start_time) if payload.start_time else known.starts_at
    ends_at = whole_minute(payload.end_time) if payload.end_time else known.ends_at
    stays = (starts_at, ends_at) == (known.starts_at, known.ends_at)
    return TimeSlot(
        starts_at=starts_at,
        ends_at=ends_at,
        staff_id=host.id if host else known.staff_id,
        home_branch_id=host.home_branch_id if host else known.home_branch_id,
        # Cal.com knows no rooms: where it moves a booking to, none is taken.
        resource_ids=known.resource_ids if stays else (),
    )


def whole_minute(instant: datetime) -> datetime:
    """Calendars count in whole minutes."""
    return instant - timedelta(seconds=instant.second, microseconds=instant.microsecond)


def later(left: datetime | None, right: datetime | None) -> datetime | None:
    """The later of two instants, where there are two."""
    return max(left, right) if left and right else left or right
