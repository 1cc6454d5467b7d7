"""What Cal.com's webhooks mean for our appointments: late, doubled and reordered deliveries change nothing twice."""

from collections.abc import Callable
from datetime import datetime

from chalicelib.booking import calcom_booking, placing, store
from chalicelib.booking.appointment import OVER, Appointment, Status
from chalicelib.booking.calcom_imports import import_booking
from chalicelib.booking.events import (
    AppointmentCancelled,
    AppointmentMarked,
    AppointmentMoved,
    VendorBookingUnassigned,
)
from chalicelib.booking.jobs import ApplyCalComEvent
from chalicelib.core import directory, inbox
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale
from chalicelib.core.events import Event
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
        _end(old, event, "cancelled", begin, clock, "rescheduled")
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
        return _no_show(old, event, begin, clock)
    status = STATUS_AFTER[event.trigger]
    if status in OVER:
        return _end(old, event, status, begin, clock)
    if old.status in OVER:
        return "over"
    if old.status == "held" and status == "confirmed" and event.trigger == "BOOKING_CREATED":
        return _confirm(old, event, begin, clock)
    return _update(old, event, status, begin, clock)


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


def _update(old: Appointment, event: CalComEvent, status: Status, begin: Begin, clock: Clock) -> str:
    payload = event.payload
    new = old.changed(
        clock(),
        status=status,
        booked_as=old.booked_as or ("confirmed" if status == "confirmed" else None),
        starts_at=payload.start_time or old.starts_at,
        ends_at=payload.end_time or old.ends_at,
        external_id=payload.uid or old.external_id,
        calcom_booking_id=payload.booking_id if payload.booking_id is not None else old.calcom_booking_id,
        calcom_seen_at=_later(event.created_at, old.calcom_seen_at),
    )
    if _same(old, new):
        return "unchanged"
    unit = begin(old.company_id)
    if (new.starts_at, new.ends_at) != (old.starts_at, old.ends_at):
        new = _move(unit, old, new)
    elif new.status != old.status:
        unit.publish(AppointmentMarked(appointment_id=new.id, status=new.status, version=new.version))
    store.save_appointment(unit, new)
    calcom_booking.claim_ids(unit, new)
    unit.audit("appointment.updated", new.id, ("status", "starts_at", "ends_at", "external_id"))
    unit.commit()
    return "updated"


def _move(unit: Unit, old: Appointment, new: Appointment) -> Appointment:
    fits = placing.change_time(unit, placing.schedule_for(old), old, new)
    unit.publish(AppointmentMoved(appointment_id=new.id, starts_at=new.starts_at, version=new.version))
    if fits:
        return new
    # Cal.com's word stands, but nobody here is booked twice: someone has to say who takes it.
    unit.publish(VendorBookingUnassigned(appointment_id=new.id, branch_id=new.branch_id))
    return new.changed(new.updated_at, staff_id=None, version=new.version)


def _end(
    old: Appointment, event: CalComEvent, status: Status, begin: Begin, clock: Clock, reason: str | None = None
) -> str:
    if old.status in OVER:
        return "unchanged"
    reason = reason or event.payload.cancellation_reason or event.payload.rejection_reason
    new = old.changed(
        clock(), status=status, cancellation_reason=reason, calcom_seen_at=_later(event.created_at, old.calcom_seen_at)
    )
    unit = begin(old.company_id)
    return _mark(unit, old, new, AppointmentCancelled(appointment_id=new.id, status=status, version=new.version))


def _no_show(old: Appointment, event: CalComEvent, begin: Begin, clock: Clock) -> str:
    missed = any(attendee.no_show for attendee in event.payload.attendees)
    status: Status = "no_show" if missed else "confirmed"
    if old.status in OVER or old.status == status or (not missed and old.status != "no_show"):
        return "unchanged"
    new = old.changed(clock(), status=status, calcom_seen_at=_later(event.created_at, old.calcom_seen_at))
    unit = begin(old.company_id)
    return _mark(unit, old, new, AppointmentMarked(appointment_id=new.id, status=status, version=new.version))


def _mark(unit: Unit, old: Appointment, new: Appointment, fact: Event) -> str:
    if new.status in OVER:
        placing.release_time(unit, placing.schedule_for(old), old)
    store.save_appointment(unit, new)
    unit.publish(fact)
    unit.audit(f"appointment.{new.status}", new.id, ("status",))
    unit.commit()
    return new.status


def _same(old: Appointment, new: Appointment) -> bool:
    names = ("status", "starts_at", "ends_at", "external_id", "calcom_booking_id")
    return all(getattr(old, name) == getattr(new, name) for name in names)


def _later(left: datetime | None, right: datetime | None) -> datetime | None:
    return max(left, right) if left and right else left or right


def _done(what: str, event: CalComEvent) -> str:
    log.info("calcom event", extra={"trigger": event.trigger, "uid": event.payload.uid, "done": what})
    return what
