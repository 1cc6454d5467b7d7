"""Bringing an appointment in line with what Cal.com says of its booking: one transaction, nothing moves back."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.booking.allocation import recount_limits, time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Status, booked_event
from chalicelib.booking.appointments.history import moved_ids
from chalicelib.booking.calcom import book as calcom_book
from chalicelib.booking.calcom.state import STATUS_OF, as_event, host_of, in_line, later
from chalicelib.booking.events import (
    AppointmentAttendeesChanged,
    AppointmentCancelled,
    AppointmentMarked,
    AppointmentMoved,
    AppointmentReassigned,
    VendorBookingUnassigned,
)
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.clock import Clock
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.vendors.calcom_webhook import CalComEvent

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking

AppointmentHook = Callable[[Unit, Appointment], None]
"""What another area adds to the transaction in which a change stands."""
_COMPARED = (
    *("status", "starts_at", "ends_at", "staff_id", "external_id", "calcom_booking_id"),
    *("pending_change", "attendee", "guests", "there"),
)


def bring_in_line(
    old: Appointment,
    event: CalComEvent,
    status: Status,
    new_unit: UnitFactory,
    clock: Clock,
    hook: AppointmentHook | None = None,
    reason: str | None = None,
) -> Appointment:
    """The appointment after what Cal.com said of it, which makes its status `status`; `old` itself if that is no news.

    Raises Stale when someone else changed it, or a calendar, since it was read.
    """
    if status in OVER:
        return end(old, event, status, new_unit, clock, hook, reason)
    if old.status in OVER:
        return old
    schedule = time_swap.schedule_for(old)
    new = in_line(old, event, status, host_of(schedule, old, event.payload), clock())
    return _commit(old, new, schedule, new_unit, hook)


def confirm_held(held: Appointment, made: "Booking", new_unit: UnitFactory, clock: Clock) -> Appointment:
    """The hold, confirmed by a booking of Cal.com's; at another time where it was moved there already."""
    if (made.start, made.end) == (held.starts_at, held.ends_at):
        return calcom_book.confirm(held, made, new_unit, clock)
    return bring_in_line(held, as_event(made), STATUS_OF[made.status], new_unit, clock)


def end(
    old: Appointment,
    event: CalComEvent,
    status: Status,
    new_unit: UnitFactory,
    clock: Clock,
    hook: AppointmentHook | None = None,
    reason: str | None = None,
) -> Appointment:
    """The appointment, cancelled or declined at Cal.com; `old` when it was over already."""
    if old.status in OVER:
        return old
    payload, change = event.payload, old.pending_change
    asked = change.reason if change and change.kind in ("cancel", "decline") else None
    # What is cancelled at Cal.com by itself costs nothing here: who did it there, and on what terms, is not ours.
    due = {"fee_minor": change.fee_minor, "currency": change.currency} if change and change.fee_minor else {}
    new = old.changed(
        clock(),
        status=status,
        pending_change=None,
        cancellation_reason=reason or asked or payload.cancellation_reason or payload.rejection_reason,
        calcom_seen_at=later(event.created_at, old.calcom_seen_at),
        **due,
    )
    unit = new_unit()
    time_swap.release_time(unit, old)
    unit.publish(AppointmentCancelled(appointment_id=new.id, status=status, version=new.version))
    return _save(unit, new, f"appointment.{status}", ("status",), hook)


def _commit(
    old: Appointment, new: Appointment, schedule: Schedule, new_unit: UnitFactory, hook: AppointmentHook | None
) -> Appointment:
    unit = new_unit()
    if old.place() != new.place() or old.places() != new.places():
        new = _move(unit, old, new, schedule)
    if same(old, new):
        return old
    _tell(unit, old, new)
    calcom_book.claim_ids(unit, new)
    fields = tuple(name for name in _COMPARED if getattr(old, name) != getattr(new, name))
    action = "appointment.moved" if old.place() != new.place() else "appointment.updated"
    if old.status == "held":
        action = "appointment.confirmed"
    return _save(unit, new, action, fields, hook, **moved_ids(old, new))


def _move(unit: Unit, old: Appointment, new: Appointment, schedule: Schedule) -> Appointment:
    if not time_swap.change_time(unit, old, new):
        # Cal.com's word stands, but nobody here is booked twice: someone has to say who takes it.
        new = new.changed(new.updated_at, staff_id=None, pending_change=None, version=new.version)
    if old.counted and old.place() != new.place():
        # Cal.com does not know of limits: what it moves counts, and may exceed them.
        new, counting = recount_limits.moved(schedule, old, new)
        counting.stage(unit, over_the_limit=True)
    return new


def _tell(unit: Unit, old: Appointment, new: Appointment) -> None:
    if old.status == "held":
        unit.publish(booked_event(new))
    elif (new.starts_at, new.ends_at) != (old.starts_at, old.ends_at):
        unit.publish(
            AppointmentMoved(appointment_id=new.id, starts_at=new.starts_at, version=new.version, was_at=old.starts_at)
        )
    elif new.status != old.status:
        unit.publish(AppointmentMarked(appointment_id=new.id, status=new.status, version=new.version))
    if new.staff_id is None and old.staff_id is not None:
        unit.publish(VendorBookingUnassigned(appointment_id=new.id, branch_id=new.branch_id))
    elif new.staff_id and new.staff_id != old.staff_id:
        unit.publish(AppointmentReassigned(appointment_id=new.id, staff_id=new.staff_id, version=new.version))
    fields = tuple(name for name in ("attendee", "guests") if getattr(new, name) != getattr(old, name))
    if fields:
        unit.publish(AppointmentAttendeesChanged(appointment_id=new.id, fields=fields, version=new.version))


def _save(
    unit: Unit, new: Appointment, action: str, fields: tuple[str, ...], hook: AppointmentHook | None, **ids: str
) -> Appointment:
    appointment_store.save_appointment(unit, new)
    unit.audit(action, new.id, fields, **ids)
    if hook:
        hook(unit, new)
    unit.commit(new)
    return new


def same(old: Appointment, new: Appointment) -> bool:
    """Whether nothing that matters differs."""
    return all(getattr(old, name) == getattr(new, name) for name in _COMPARED)
