"""What a provider's news mean for our appointments, by webhook or by poll, in any order and any number of times.

News are a reason to look, not the truth: ours is read, then the booking as the provider has it now, and what follows is
written only if ours is unchanged by then. So nothing ever moves back, whatever order they come in. Only of a booking
that we may not read is the news itself believed, and then older words change nothing.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import BOOKING, OVER, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import (
    APPOINTMENT,
    CHANGE,
    COMPANY,
    BookingProvider,
    ExternalBooking,
    Provider,
)
from chalicelib.booking.jobs import CancelLeftover
from chalicelib.booking.provider import requests
from chalicelib.booking.provider.apply import apply_external_state, confirm_held, end
from chalicelib.booking.provider.commit import BUSY
from chalicelib.booking.provider.import_booking import import_booking
from chalicelib.booking.provider.state import echoes
from chalicelib.core import directory, reference_store
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Stale, Unavailable, VendorRefused
from chalicelib.core.logging import log
from chalicelib.core.references import Reference
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import CompanyUnitFactory

LONGEST_CHAIN = 20
"""How often a booking is followed back to the one that it was made of."""


class NewsContext(msgspec.Struct, frozen=True):
    """In which units of work, by which clock, and how the provider is asked."""

    provider: Provider
    new_unit: CompanyUnitFactory
    clock: Clock
    connect: Callable[[], AbstractContextManager[BookingProvider]]


def apply_news(context: NewsContext, told: ExternalBooking) -> str:
    """Bring our appointment in line with the booking the news are about; returns what was done, for the log.

    Raises Unavailable when the provider cannot be asked now, and when everything changes too fast.
    """
    done = until_committed(_News(context, told).apply, "calendar_busy", BUSY)
    log.info("news of a booking", extra={"provider": told.provider, "uid": told.id, "done": done})
    return done


def find(told: ExternalBooking) -> Appointment | None:
    """Our appointment behind a booking: by its id (the new, then the old), its other ids, or our mark on it."""
    ids = sorted(told.references, key=lambda each: each.kind != BOOKING)
    before = [_reference(told, told.replaces)] if told.replaces else []
    for reference in [*ids[:1], *before, *ids[1:]]:
        entry = reference_store.find(reference)
        if entry:
            return appointment_store.find_appointment(entry.company_id, entry.record)
    claimed = _claimed(told)
    if claimed is None:
        return None
    # A mark is only a claim: an appointment that has another booking there already is not this one, unless this is the
    # booking that a pending change of it has asked for.
    change = claimed.pending_change
    asked_for = change is not None and told.marks.get(CHANGE) == change.id
    return claimed if asked_for or claimed.external_id in (None, told.id) else None


def unknown(bookings: Sequence[ExternalBooking]) -> list[ExternalBooking]:
    """Those that tell something else than our appointments do; three requests, however many there are."""
    keys = {booking.id: reference_store.key(_reference(booking, booking.id)) for booking in bookings}
    rows = fetch_map(keys.values())
    entries = {booking_id: directory.entry(rows[key]) for booking_id, key in keys.items()}
    ours = appointment_store.appointments_of({one.record: one.company_id for one in entries.values() if one})
    left = []
    for booking in bookings:
        entry = entries[booking.id]
        appointment = ours.get(entry.record) if entry else None
        replaced = appointment is not None and appointment.external_id not in (None, booking.id)
        if appointment is None or not (replaced or echoes(appointment, booking)):
            left.append(booking)
    return left


def is_late(appointment: Appointment, told: ExternalBooking) -> bool:
    """Whether we have heard something newer of this booking, or it is about one that a reschedule has replaced."""
    seen, said = appointment.external_seen_at, told.told_at
    if appointment.status == "held":
        return False
    if seen and said and said < seen:
        return True
    return _is_replaced(appointment, told)


def _is_replaced(appointment: Appointment, told: ExternalBooking) -> bool:
    ours = appointment.external_id
    if ours is None or told.moved:
        return False
    return ours not in (told.id, told.replaces)


def _claimed(told: ExternalBooking) -> Appointment | None:
    company, ours = told.marks.get(COMPANY), told.marks.get(APPOINTMENT)
    return appointment_store.find_appointment(company, ours) if company and ours else None


def _reference(told: ExternalBooking, booking_id: str | None) -> Reference:
    return Reference(told.provider, BOOKING, str(booking_id))


class _News:
    """Acting on one piece of news, with what is read anew at each try."""

    def __init__(self, context: NewsContext, told: ExternalBooking) -> None:
        self._context, self._told = context, told

    def apply(self) -> str:
        found = find(self._told)
        if found is None:
            return self._add(self._ask(lambda client: client.find(str(self._told.id))))
        self._tie(found)
        asked_for = found.pending_change is not None and found.pending_change.kind == "rebook"
        if echoes(found, self._told) or (_is_replaced(found, self._told) and not asked_for):
            return "unchanged"
        if found.status in OVER:
            return self._over(found)
        booking = self._ask(lambda client: self._read(found, client))
        return self._by_word(found) if booking is None else self._by_state(found, booking)

    def _read(self, found: Appointment, client: BookingProvider) -> ExternalBooking | None:
        # A hold has no id there yet; the news know it.
        return requests.read(found, client) if found.external_id else client.find(str(self._told.id))

    def _tie(self, found: Appointment) -> None:
        """When news of the new booking came before the reschedule itself: end the old one, lead its id to the new."""
        told = self._told
        if not told.moved or told.id != found.external_id or not told.replaces:
            return
        reference = _reference(told, told.replaces)
        entry = reference_store.find(reference)
        if entry is None:
            unit = self._context.new_unit(found.company_id)
            reference_store.claim(unit, reference, found.id, Stale())
            unit.commit()
        elif entry.record != found.id:
            old = appointment_store.find_appointment(entry.company_id, entry.record)
            if old and old.status not in OVER:
                self._end(old)

    def _ask(self, read: Callable[[BookingProvider], ExternalBooking | None]) -> ExternalBooking | None:
        try:
            with self._context.connect() as client:
                return read(client)
        except (Unavailable, VendorRefused) as error:
            if not self._context.provider.cannot_read(error):
                raise
            return None

    def _by_state(self, found: Appointment, booking: ExternalBooking) -> str:
        """`booking` is what the provider has now in place of the one we know."""
        owner = reference_store.find(_reference(booking, booking.id))
        if owner and owner.record != found.id:
            return self._supersede(found, owner.record)
        if booking.status is None:
            return "unknown status"
        if found.status == "held":
            return self._confirm(found, booking) if booking.stands else "left to reconciliation"
        return self._apply(found, booking)

    def _by_word(self, found: Appointment) -> str:
        told = self._told
        if is_late(found, told):
            return "late"
        standing = "requested" if found.status == "requested" else "confirmed"
        heard = msgspec.structs.replace(told, status=told.status or standing)
        if found.status == "held" and heard.stands:
            return self._confirm(found, heard) if _complete(heard) else "incomplete"
        return self._apply(found, heard)

    def _confirm(self, found: Appointment, made: ExternalBooking) -> str:
        confirm_held(self._change_context(found), found, made)
        return "confirmed"

    def _supersede(self, found: Appointment, by: str) -> str:
        # News of the new booking came before the reschedule itself, and it became an appointment of its own.
        self._end(found)
        return f"superseded by {by}"

    def _end(self, old: Appointment) -> None:
        end(self._change_context(old), old, msgspec.structs.replace(self._told, status="cancelled"), "rescheduled")

    def _over(self, found: Appointment) -> str:
        """A booking that comes to light after its hold was released stands for nothing here."""
        if found.status == "released" and found.external_id is None and self._told.stands:
            return self._cancel_leftover(found)
        return "over"

    def _cancel_leftover(self, found: Appointment) -> str:
        unit, told = self._context.new_unit(found.company_id), self._told
        provider, uid = told.provider, str(told.id)
        unit.enqueue(CancelLeftover(company_id=found.company_id, appointment_id=found.id, provider=provider, uid=uid))
        unit.commit()
        return "leftover"

    def _add(self, booking: ExternalBooking | None) -> str:
        told = booking or self._told
        known = self._known_before(booking) if booking else None
        if booking and known and known.status not in OVER:
            return self._by_state(known, booking)
        claimed = _claimed(told)
        if claimed and told.stands and told.replaces is None:
            # It bears our mark, but that appointment stands for another booking: the request was doubled or given up.
            return self._cancel_leftover(claimed)
        return import_booking(told, self._context.new_unit, self._context.clock)

    def _known_before(self, booking: ExternalBooking) -> Appointment | None:
        """Our appointment of a booking that this one replaces, however many reschedules we have not heard of."""
        before: ExternalBooking | None = booking
        for _ in range(LONGEST_CHAIN):
            entry = reference_store.find(_reference(before, before.id)) if before else None
            if entry:
                return appointment_store.find_appointment(entry.company_id, entry.record)
            if before is None or before.replaces is None:
                return None
            earlier = before.replaces
            before = self._ask(lambda client, earlier=earlier: client.find(earlier, newest=False))  # type: ignore[misc]
        return None

    def _change_context(self, found: Appointment) -> ChangeContext[Appointment]:
        new_unit = self._context.new_unit
        return ChangeContext(lambda: new_unit(found.company_id), found.company_id, self._context.clock)

    def _apply(self, old: Appointment, told: ExternalBooking) -> str:
        new = apply_external_state(self._change_context(old), old, told)
        if new is old:
            return "unchanged"
        return new.status if new.status != old.status else "updated"


def _complete(told: ExternalBooking) -> bool:
    return bool(told.id and told.starts_at and told.ends_at)
