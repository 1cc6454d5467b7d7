"""What Cal.com's webhooks mean for our appointments: late, doubled and reordered deliveries change nothing twice."""

from collections.abc import Callable

from chalicelib.booking import calcom_applying, calcom_booking, store
from chalicelib.booking.appointment import OVER, Appointment, Status
from chalicelib.booking.calcom_imports import import_booking
from chalicelib.booking.jobs import ApplyCalComEvent
from chalicelib.core import directory, inbox
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit
from chalicelib.vendors.calcom import Booking
from chalicelib.vendors.calcom_webhook import BookingPayload, CalComEvent, parse_webhook

TRIES = 8
STATUS_AFTER: dict[str, Status] = {
    "BOOKING_CREATED": "confirmed",
    "BOOKING_RESCHEDULED": "confirmed",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_CANCELLED": "cancelled",
    "BOOKING_REJECTED": "declined",
}
Begin = Callable[[str], Unit]
"""Starts a unit of work of the company it is given."""


def apply_delivery(job: ApplyCalComEvent, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_webhook(inbox.load("calcom", job.delivery_id))
    apply_event(event, context.unit, context.clock)


def apply_event(event: CalComEvent, begin: Begin, clock: Clock) -> str:
    """Bring our appointment in line with the event; returns what was done, for the log."""
    if event.trigger not in STATUS_AFTER and event.trigger != "BOOKING_NO_SHOW_UPDATED":
        return _done("kept", event)
    for _ in range(TRIES):
        try:
            _supersede(event, begin, clock)
            found = find(event.payload)
            if found is None:
                done = import_booking(event, STATUS_AFTER, begin, clock)
            elif is_late(found, event):
                done = "late"
            else:
                done = _apply(found, event, begin, clock)
            return _done(done, event)
        except Stale:
            continue
    raise Stale


def find(payload: BookingPayload) -> Appointment | None:
    """Our appointment behind a booking: by Cal.com's uid (the new, then the old), its id, or our id in the metadata."""
    places = (
        (calcom_booking.UID, payload.uid),
        (calcom_booking.UID, payload.reschedule_uid),
        (calcom_booking.BOOKING_ID, payload.booking_id),
    )
    for kind, value in places:
        entry = directory.find(kind, str(value)) if value is not None else None
        if entry:
            return store.find_appointment(entry.company_id, entry.record)
    company, ours = payload.metadata.get("company_id"), payload.metadata.get("appointment_id")
    if not (isinstance(company, str) and isinstance(ours, str)):
        return None
    claimed = store.find_appointment(company, ours)
    # Metadata is only a claim: an appointment that has another booking at Cal.com already is not this one.
    return claimed if claimed and claimed.external_id in (None, payload.uid) else None


def _supersede(event: CalComEvent, begin: Begin, clock: Clock) -> None:
    """When news of the new booking came before the reschedule itself: end the old one, lead its uid to the new one."""
    new_uid, old_uid = event.payload.uid, event.payload.reschedule_uid
    if event.trigger != "BOOKING_RESCHEDULED" or not new_uid or not old_uid:
        return
    new, old = _by_uid(new_uid), _by_uid(old_uid)
    if new is None or (old and (old.id == new.id or old.status in OVER)):
        return
    if old:
        calcom_applying.end(old, event, "cancelled", lambda: begin(old.company_id), clock, reason="rescheduled")
        return
    unit = begin(new.company_id)
    directory.claim(unit, calcom_booking.UID, old_uid, new.id, Stale())
    unit.commit()


def _by_uid(uid: str) -> Appointment | None:
    entry = directory.find(calcom_booking.UID, uid)
    return store.find_appointment(entry.company_id, entry.record) if entry else None


def is_late(appointment: Appointment, event: CalComEvent) -> bool:
    """Whether we have heard something newer of this booking, or it is about one that a reschedule has replaced."""
    seen, said = appointment.calcom_seen_at, event.created_at
    if appointment.status == "held":
        return False
    if seen and said and said < seen:
        return True
    replaced = appointment.external_id is not None and event.payload.uid != appointment.external_id
    return replaced and event.trigger != "BOOKING_RESCHEDULED"


def _apply(old: Appointment, event: CalComEvent, begin: Begin, clock: Clock) -> str:
    if event.trigger == "BOOKING_NO_SHOW_UPDATED":
        missed = any(attendee.no_show for attendee in event.payload.attendees)
        return _told(old, calcom_applying.mark_absent(old, event, missed, lambda: begin(old.company_id), clock))
    status = STATUS_AFTER[event.trigger]
    if old.status in OVER:
        return "over"
    if old.status == "held" and status == "confirmed" and event.trigger == "BOOKING_CREATED":
        return _confirm(old, event, begin, clock)
    new = calcom_applying.bring_in_line(old, event, status, lambda: begin(old.company_id), clock)
    return _told(old, new)


def _told(old: Appointment, new: Appointment) -> str:
    if new is old:
        return "unchanged"
    return new.status if new.status != old.status else "updated"


def _confirm(old: Appointment, event: CalComEvent, begin: Begin, clock: Clock) -> str:
    payload = event.payload
    if payload.booking_id is None or payload.uid is None:
        return "incomplete"
    made = Booking(
        id=payload.booking_id,
        uid=payload.uid,
        status="accepted",
        start=payload.start_time or old.starts_at,
        end=payload.end_time or old.ends_at,
        updated_at=event.created_at,
    )
    calcom_booking.confirm(old, made, lambda: begin(old.company_id), clock)
    return "confirmed"


def _done(what: str, event: CalComEvent) -> str:
    log.info("calcom event", extra={"trigger": event.trigger, "uid": event.payload.uid, "done": what})
    return what
