"""What Cal.com's news mean for our appointments, by webhook or by poll, in any order and any number of times.

News are a reason to look, not the truth: ours is read, then the booking as Cal.com has it now, and what follows is
written only if ours is unchanged by then. So nothing ever moves back, whatever order they come in. Only of a booking
that our key may not read is the payload itself believed, and then older words change nothing.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Status
from chalicelib.booking.appointments.change_context import ChangeContext, connect
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.apply import apply_external_state, confirm_held, end
from chalicelib.booking.calcom.commit import BOOKING_ID, BUSY, UID
from chalicelib.booking.calcom.import_booking import import_booking
from chalicelib.booking.calcom.state import CHANGE, STATUS_OF, BookingReport, as_event, echoes, report_of
from chalicelib.booking.jobs import ApplyCalComEvent, CancelLeftover
from chalicelib.core import directory, inbox
from chalicelib.core.clock import Clock
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Stale, Unavailable, VendorRefused
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import CompanyUnitFactory
from chalicelib.vendors.calcom_webhook import BookingPayload, CalComEvent, parse_webhook

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom

STATUS_AFTER: dict[str, Status] = {
    "BOOKING_CREATED": "confirmed",
    "BOOKING_RESCHEDULED": "confirmed",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_CANCELLED": "cancelled",
    "BOOKING_REJECTED": "declined",
}
NO_SHOW = "BOOKING_NO_SHOW_UPDATED"
UNREADABLE = frozenset({"calcom_not_found", "calcom_forbidden", "calcom_credentials", "not_configured"})
Connect = Callable[[], AbstractContextManager["CalCom"]]


def apply_delivery(job: ApplyCalComEvent, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_webhook(inbox.load("calcom", job.delivery_id))
    apply_event(event, context.unit, context.clock, lambda: closing(connect()))


def apply_event(event: CalComEvent, new_unit: CompanyUnitFactory, clock: Clock, client: Connect) -> str:
    """Bring our appointment in line with the booking the event is about; returns what was done, for the log.

    Raises Unavailable when Cal.com cannot be asked now, and when everything changes too fast.
    """
    if event.trigger not in STATUS_AFTER and event.trigger != NO_SHOW:
        return _done("kept", event)
    news = _News(event, new_unit, clock, client)
    return _done(until_committed(news.apply, "calendar_busy", BUSY), event)


def find(payload: BookingPayload) -> Appointment | None:
    """Our appointment behind a booking: by Cal.com's uid (the new, then the old), its id, or our id in the metadata."""
    for kind, value in ((UID, payload.uid), (UID, payload.reschedule_uid), (BOOKING_ID, payload.booking_id)):
        entry = directory.find(kind, str(value)) if value is not None else None
        if entry:
            return appointment_store.find_appointment(entry.company_id, entry.record)
    claimed = _claimed(payload)
    if claimed is None:
        return None
    # Metadata is only a claim: an appointment that has another booking at Cal.com already is not this one,
    # unless this is the booking that a pending change of it has asked for.
    change = claimed.pending_change
    ours_to_take = change is not None and payload.metadata.get(CHANGE) == change.id
    return claimed if ours_to_take or claimed.external_id in (None, payload.uid) else None


def _claimed(payload: BookingPayload) -> Appointment | None:
    company, ours = payload.metadata.get("company_id"), payload.metadata.get("appointment_id")
    if not (isinstance(company, str) and isinstance(ours, str)):
        return None
    return appointment_store.find_appointment(company, ours)


def is_late(appointment: Appointment, event: CalComEvent) -> bool:
    """Whether we have heard something newer of this booking, or it is about one that a reschedule has replaced."""
    seen, said = appointment.calcom_seen_at, event.created_at
    if appointment.status == "held":
        return False
    if seen and said and said < seen:
        return True
    return _is_replaced(appointment, event)


def _is_replaced(appointment: Appointment, event: CalComEvent) -> bool:
    ours, payload = appointment.external_id, event.payload
    if ours is None or event.trigger == "BOOKING_RESCHEDULED":
        return False
    return ours not in (payload.uid, payload.reschedule_uid)


class _News:
    """Acting on one event, with what is read anew at each try."""

    def __init__(self, event: CalComEvent, new_unit: CompanyUnitFactory, clock: Clock, client: Connect) -> None:
        self._event, self._new_unit, self._clock, self._client = event, new_unit, clock, client

    def apply(self) -> str:
        found = find(self._event.payload)
        if found is None:
            return self._add(self._read_new())
        self._tie(found)
        ours_to_take = found.pending_change is not None and found.pending_change.kind == "rebook"
        if echoes(found, self._event) or (_is_replaced(found, self._event) and not ours_to_take):
            return "unchanged"
        if found.status in OVER:
            return self._over(found)
        booking = self._read(lambda client: calcom_requests.read(_with_uid(found, self._event), client))
        return self._by_word(found) if booking is None else self._by_state(found, booking)

    def _tie(self, found: Appointment) -> None:
        """When news of the new booking came before the reschedule itself: end the old one, lead its uid to the new."""
        payload = self._event.payload
        if self._event.trigger != "BOOKING_RESCHEDULED" or payload.uid != found.external_id:
            return
        old_uid = str(payload.reschedule_uid)
        entry = directory.find(UID, old_uid) if payload.reschedule_uid else None
        if entry is None and payload.reschedule_uid:
            unit = self._new_unit(found.company_id)
            directory.claim(unit, Claim(UID, old_uid, found.id), Stale())
            unit.commit()
        elif entry and entry.record != found.id:
            old = appointment_store.find_appointment(entry.company_id, entry.record)
            if old and old.status not in OVER:
                end(self._context(old), old, BookingReport(self._event, "cancelled", "rescheduled"))

    def _read(self, read: "Callable[[CalCom], Booking | None]") -> "Booking | None":
        try:
            with self._client() as client:
                return read(client)
        except (Unavailable, VendorRefused) as error:
            if error.code not in UNREADABLE:
                raise
            return None

    def _read_new(self) -> "Booking | None":
        return self._read(lambda client: calcom_requests.latest(str(self._event.payload.uid), client))

    def _by_state(self, found: Appointment, booking: "Booking") -> str:
        """`booking` is what Cal.com has now in place of the one we know."""
        owner = directory.find(UID, booking.uid)
        if owner and owner.record != found.id:
            return self._supersede(found, owner.record)
        status = STATUS_OF.get(booking.status)
        if status is None:
            return "unknown status"
        if found.status == "held":
            return self._confirm(found, booking) if status in ("confirmed", "requested") else "left to reconciliation"
        return self._apply(found, report_of(booking, found.external_id if booking.uid != found.external_id else None))

    def _by_word(self, found: Appointment) -> str:
        event = self._event
        if is_late(found, event):
            return "late"
        unchanged: Status = "requested" if found.status == "requested" else "confirmed"
        status = STATUS_AFTER.get(event.trigger, unchanged)
        if found.status == "held" and status in ("confirmed", "requested"):
            made = _booking_of(event)
            return self._confirm(found, made) if made else "incomplete"
        return self._apply(found, BookingReport(event, status))

    def _confirm(self, found: Appointment, made: "Booking") -> str:
        confirm_held(self._context(found), found, made)
        return "confirmed"

    def _supersede(self, found: Appointment, by: str) -> str:
        # News of the new booking came before the reschedule itself, and it became an appointment of its own.
        end(self._context(found), found, BookingReport(self._event, "cancelled", "rescheduled"))
        return f"superseded by {by}"

    def _over(self, found: Appointment) -> str:
        """A booking that comes to light after its hold was released stands for nothing here."""
        live = STATUS_AFTER.get(self._event.trigger) in ("confirmed", "requested")
        if found.status == "released" and found.external_id is None and live:
            return self._cancel_leftover(found)
        return "over"

    def _cancel_leftover(self, found: Appointment) -> str:
        unit = self._new_unit(found.company_id)
        uid = str(self._event.payload.uid)
        unit.enqueue(CancelLeftover(company_id=found.company_id, appointment_id=found.id, uid=uid))
        unit.commit()
        return "leftover"

    def _add(self, booking: "Booking | None") -> str:
        event = as_event(booking) if booking else self._event
        known = self._known_before(booking) if booking else None
        if booking and known and known.status not in OVER:
            return self._by_state(known, booking)
        claimed = _claimed(event.payload)
        live = STATUS_AFTER.get(event.trigger) in ("confirmed", "requested")
        if claimed and live and event.payload.reschedule_uid is None:
            # It carries our id, but that appointment stands for another booking: the request was doubled or given up.
            return self._cancel_leftover(claimed)
        return import_booking(event, STATUS_AFTER, self._new_unit, self._clock)

    def _known_before(self, booking: "Booking") -> Appointment | None:
        """Our appointment of a booking that this one replaces, however many reschedules we have not heard of."""
        before: Booking | None = booking
        for _ in range(calcom_requests.LONGEST_CHAIN):
            entry = directory.find(UID, before.uid) if before else None
            if entry:
                return appointment_store.find_appointment(entry.company_id, entry.record)
            if before is None or before.rescheduled_from_uid is None:
                return None
            uid = before.rescheduled_from_uid
            before = self._read(lambda client, uid=uid: client.booking(uid))  # type: ignore[misc]
        return None

    def _context(self, found: Appointment) -> ChangeContext[Appointment]:
        return ChangeContext(lambda: self._new_unit(found.company_id), found.company_id, self._clock)

    def _apply(self, old: Appointment, report: BookingReport) -> str:
        new = apply_external_state(self._context(old), old, report)
        if new is old:
            return "unchanged"
        return new.status if new.status != old.status else "updated"


def _with_uid(found: Appointment, event: CalComEvent) -> Appointment:
    # A hold has no uid yet; the event knows it.
    return found if found.external_id else found.changed(found.updated_at, external_id=event.payload.uid)


def _booking_of(event: CalComEvent) -> "Booking | None":
    from chalicelib.vendors.calcom import Booking

    payload = event.payload
    if payload.booking_id is None or payload.uid is None or payload.start_time is None or payload.end_time is None:
        return None
    return Booking(
        id=payload.booking_id,
        uid=payload.uid,
        status="pending" if event.trigger == "BOOKING_REQUESTED" else "accepted",
        start=payload.start_time,
        end=payload.end_time,
        updated_at=event.created_at,
        metadata=payload.metadata,
    )


def _done(what: str, event: CalComEvent) -> str:
    log.info("calcom event", extra={"trigger": event.trigger, "uid": event.payload.uid, "done": what})
    return what
