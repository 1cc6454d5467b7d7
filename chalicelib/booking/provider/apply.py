"""Bringing an appointment in line with what a provider says of its booking: one transaction, nothing moves back."""

from chalicelib.booking.allocation import recount_limits, time_swap
from chalicelib.booking.appointments.appointment import OVER, Appointment, booked_event
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import ExternalBooking
from chalicelib.booking.appointments.history import moved_ids
from chalicelib.booking.events import (
    AppointmentAttendeesChanged,
    AppointmentCancelled,
    AppointmentMarked,
    AppointmentMoved,
    AppointmentReassigned,
    VendorBookingUnassigned,
)
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.provider import book
from chalicelib.booking.provider.commit import claim_references, commit
from chalicelib.booking.provider.state import host_of, later, with_external_state
from chalicelib.core.unit import Unit

_COMPARED = (
    *("status", "starts_at", "ends_at", "staff_id", "provider", "references"),
    *("pending_change", "attendee", "guests", "external"),
)


def apply_external_state(context: ChangeContext[Appointment], old: Appointment, told: ExternalBooking) -> Appointment:
    """The appointment after what the provider tells of its booking; `old` itself if that is no news.

    Raises Stale when someone else changed it, or a calendar, since it was read.
    """
    if told.status in OVER:
        return end(context, old, told)
    if old.status in OVER:
        return old
    schedule = time_swap.schedule_for(old)
    new = with_external_state(old, told, host_of(schedule, old, told), context.clock())
    unit = context.new_unit()
    if old.slot() != new.slot() or old.slots() != new.slots():
        new = _move(unit, old, new, schedule)
    if same(old, new):
        return old
    _publish(unit, old, new)
    claim_references(unit, new)
    fields = tuple(name for name in _COMPARED if getattr(old, name) != getattr(new, name))
    action = "appointment.moved" if old.slot() != new.slot() else "appointment.updated"
    unit.audit("appointment.confirmed" if old.status == "held" else action, new.id, fields, **moved_ids(old, new))
    return commit(context, unit, new)


def confirm_held(context: ChangeContext[Appointment], held: Appointment, made: ExternalBooking) -> Appointment:
    """The hold, confirmed by a booking of the provider's; at another time where it was moved there already."""
    if (made.starts_at, made.ends_at) == (held.starts_at, held.ends_at):
        return book.confirm(context, held, made)
    return apply_external_state(context, held, made)


def end(
    context: ChangeContext[Appointment], old: Appointment, told: ExternalBooking, why: str | None = None
) -> Appointment:
    """The appointment, cancelled or declined at the provider; `old` when it was over already. Raises Stale."""
    if old.status in OVER:
        return old
    change = old.pending_change
    given = change.reason if change and change.kind in ("cancel", "decline") else None
    # What is cancelled at a provider by itself costs nothing here: who did it there, and on what terms, is not ours.
    due = {"fee_minor": change.fee_minor, "currency": change.currency} if change and change.fee_minor else {}
    new = old.changed(
        context.clock(),
        status=told.status,
        pending_change=None,
        cancellation_reason=why or given or told.reason,
        external_seen_at=later(told.told_at, old.external_seen_at),
        **due,
    )
    unit = context.new_unit()
    time_swap.release_time(unit, old)
    unit.publish(AppointmentCancelled(appointment_id=new.id, status=new.status, version=new.version))
    unit.audit(f"appointment.{new.status}", new.id, ("status",))
    return commit(context, unit, new)


def same(old: Appointment, new: Appointment) -> bool:
    """Whether nothing that matters differs."""
    return all(getattr(old, name) == getattr(new, name) for name in _COMPARED)


def _move(unit: Unit, old: Appointment, new: Appointment, schedule: Schedule) -> Appointment:
    if not time_swap.change_time(unit, old, new):
        # The provider's word stands, but nobody here is booked twice: someone has to say who takes it.
        new = new.changed(new.updated_at, staff_id=None, pending_change=None, version=new.version)
    if old.counted and old.slot() != new.slot():
        # The provider does not know of limits: what it moves counts, and may exceed them.
        new, counting = recount_limits.moved(schedule, old, new)
        counting.stage(unit, over_the_limit=True)
    return new


def _publish(unit: Unit, old: Appointment, new: Appointment) -> None:
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
