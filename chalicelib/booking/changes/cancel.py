"""Cancelling: the time stays taken until the provider has agreed, then it is free and the appointment over."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.history import moved_ids
from chalicelib.booking.changes.change import change_appointment
from chalicelib.booking.events import AppointmentCancelled
from chalicelib.booking.provider import pending_change
from chalicelib.booking.rules import cancellation_fees
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit

CANCELLABLE = frozenset({"held", "requested", "confirmed"})


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why and by whom ("customer", "staff", …). `version`: the one that was decided on, None: whichever.

    `waive_fee`: it costs nothing, however late; who may say so is the endpoint's to know.
    """

    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    waive_fee: bool = False


def cancel(context: ChangeContext[Appointment], appointment_id: str, cancellation: Cancellation) -> Appointment:
    """The appointment, cancelled; one that is over already is returned as it is.

    With `pending_change` when the provider did not say whether it cancelled, or has not confirmed the booking itself
    yet: it is asked until it did. Raises Conflict `stale_version`, `change_pending`, or `not_cancellable` for what has
    taken place.
    """

    def stage(unit: Unit, current: Appointment) -> Appointment:
        if current.status in OVER or _asked_before(current):
            return current
        pending_change.guard_version(current, cancellation.version)
        _check(current)
        pending_change.check_alone(current)
        return _stage(unit, current, cancellation)

    return change_appointment(context, appointment_id, stage)


def _asked_before(current: Appointment) -> bool:
    return current.pending_change is not None and current.pending_change.kind in ("cancel", "decline")


def _check(current: Appointment) -> None:
    if current.status not in CANCELLABLE:
        detail = f"This appointment is {current.status.replace('_', ' ')}: there is nothing left to cancel."
        raise Conflict("not_cancellable", detail, current=pending_change.facts(current))
    if current.status != "held":
        pending_change.check_settled(current)


def _stage(unit: Unit, current: Appointment, cancellation: Cancellation) -> Appointment:
    fee = cancellation_fees.fee_for(current, unit.clock())
    due, details = cancellation_fees.noted(fee, waived=cancellation.waive_fee)
    if current.external_id is not None or current.status == "held":
        change = pending_change.new_change("cancel", cancellation.by, unit.clock(), reason=cancellation.reason, **due)
        return pending_change.stage_hold(unit, current, change, **details)
    cancelled = current.changed(unit.clock(), status="cancelled", cancellation_reason=cancellation.reason, **due)
    write_over(unit, current, cancelled, details=details)
    return cancelled


def write_over(
    unit: Unit,
    current: Appointment,
    over: Appointment,
    along: Sequence[tuple[Appointment, Appointment]] = (),
    details: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Stage that it is over: its time is free, it counts no more, and whoever listens is told.

    `along`: as of `release_time`; `details`: what else its history says.
    """
    time_swap.release_time(unit, current, along)
    appointment_store.save_appointment(unit, over)
    unit.publish(AppointmentCancelled(appointment_id=over.id, status=over.status, version=over.version))
    unit.audit(f"appointment.{over.status}", over.id, ("status",), **moved_ids(current, over), **details)
