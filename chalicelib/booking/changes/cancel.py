"""Cancelling: the time stays taken until Cal.com has agreed, then it is free and the appointment over."""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.calcom.apply import AppointmentHook, moved_ids
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import TRIES
from chalicelib.booking.events import AppointmentCancelled
from chalicelib.booking.rules import cancellation_fees
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.unit import Unit, UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

CANCELLABLE = frozenset({"held", "requested", "confirmed"})


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """Why and by whom ("customer", "staff", …). `version`: the one that was decided on, None: whichever.

    `waive_fee`: it costs nothing, however late; who may say so is the endpoint's to know.
    """

    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    waive_fee: bool = False


def cancel(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    cancellation: Cancellation,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """The appointment, cancelled; one that is over already is returned as it is.

    With `pending_change` when Cal.com did not say whether it cancelled, or has not confirmed the booking itself yet: it
    is asked until it did. `hook` is added to the transaction in which the appointment is over.
    Raises Conflict `stale_version`, `change_pending`, or `not_cancellable` for what has taken place.
    """
    for attempt in range(TRIES):
        current = appointment_store.get_appointment(company_id, appointment_id)
        if current.status in OVER or _asked_before(current):
            return current
        pending_change.guard_version(current, cancellation.version)
        _check(current)
        pending_change.check_alone(current)
        unit = new_unit()
        try:
            staged = _stage(unit, current, cancellation)
            if hook and staged.pending_change is None:
                hook(unit, staged)
            unit.commit(staged)
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
            continue
        awaits_booking = staged.status == "held"
        if staged.pending_change is None or awaits_booking:
            return staged
        return pending_change.carry_out(staged, calcom, new_unit, clock, hook)
    raise Unavailable("calendar_busy", "Many are changing this appointment at once; try again in a moment.")


def _asked_before(current: Appointment) -> bool:
    return current.pending_change is not None and current.pending_change.kind in ("cancel", "decline")


def _check(current: Appointment) -> None:
    if current.status not in CANCELLABLE:
        detail = f"This appointment is {current.status.replace('_', ' ')}: there is nothing left to cancel."
        raise Conflict("not_cancellable", detail, current=pending_change.facts(current))
    if current.status != "held":
        pending_change.check_settled(current)


def _stage(unit: Unit, current: Appointment, cancellation: Cancellation) -> Appointment:
    due, told = cancellation_fees.noted(cancellation_fees.fee_for(current, unit.clock()), waived=cancellation.waive_fee)
    if current.external_id is not None or current.status == "held":
        change = pending_change.new_change("cancel", cancellation.by, unit.clock(), reason=cancellation.reason, **due)
        return pending_change.stage_hold(unit, current, change, **told)
    cancelled = current.changed(unit.clock(), status="cancelled", cancellation_reason=cancellation.reason, **due)
    write_cancelled(unit, current, cancelled, told=told)
    return cancelled


def write_cancelled(
    unit: Unit,
    current: Appointment,
    cancelled: Appointment,
    along: Sequence[tuple[Appointment, Appointment]] = (),
    told: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Stage that it is over: its time is free, it counts no more, and whoever listens is told. `along`: see placing.

    `told`: what else its history says of it.
    """
    time_swap.release_time(unit, current, along)
    appointment_store.save_appointment(unit, cancelled)
    unit.publish(AppointmentCancelled(appointment_id=cancelled.id, status=cancelled.status, version=cancelled.version))
    unit.audit("appointment.cancelled", cancelled.id, ("status",), **moved_ids(current, cancelled), **told)
