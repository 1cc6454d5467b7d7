"""What became of an appointment: missed, kept, or, where it was only asked for, confirmed or declined."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment, Status
from chalicelib.booking.calcom import pending_change
from chalicelib.booking.calcom.apply import AppointmentHook, moved_ids
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import TRIES
from chalicelib.booking.events import AppointmentCancelled, AppointmentMarked
from chalicelib.booking.jobs import FollowGroup, TellCalCom
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Stale, Unavailable
from chalicelib.core.unit import Unit, UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

TOOK_PLACE = frozenset({"confirmed", "no_show", "completed"})


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """By whom, and why. `version`: the one that was decided on, None: whichever.

    `deposit_minor`: what was paid of the deposit, in all. `without_deposit`: confirmed all the same; who may say so is
    the endpoint's to know.
    """

    by: str = "staff"
    reason: str | None = None
    version: int | None = None
    deposit_minor: int | None = None
    without_deposit: bool = False


def mark(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    status: Literal["no_show", "completed", "confirmed"],
    marked: Mark,
    clock: Clock,
) -> Appointment:
    """The appointment, missed or kept; `confirmed` takes either back. Cal.com is told of a no-show by a job.

    Raises Conflict `not_started` before its time, `not_markable` for what did not take place, `stale_version`.
    """

    def stage(unit: Unit, current: Appointment) -> Appointment:
        if current.status == status:
            return current
        if current.status not in TOOK_PLACE:
            detail = f"This appointment is {current.status.replace('_', ' ')}; only one that stood can be marked."
            raise Conflict("not_markable", detail, current=pending_change.facts(current))
        if status != "confirmed" and clock() < current.starts_at:
            raise Conflict("not_started", "It has not begun yet; cancel it if it will not take place.")
        return _write(unit, current, status)

    return _change(new_unit, company_id, appointment_id, marked, stage)


def confirm(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    marked: Mark,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """What was only requested, confirmed; one that is confirmed is returned as it is.

    With `pending_change` when Cal.com did not say whether it agreed. Raises Conflict `not_requested`, `stale_version`,
    `deposit_required` while less was paid than was asked for.
    """
    return _answer(new_unit, company_id, appointment_id, "confirm", marked, clock, calcom, hook)


def decline(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    marked: Mark,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """What was only requested, declined, and its time free again; one that is declined is returned as it is.

    With `pending_change` when Cal.com did not say whether it did. Raises Conflict `not_requested`, `stale_version`.
    """
    return _answer(new_unit, company_id, appointment_id, "decline", marked, clock, calcom, hook)


def _answer(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    kind: Literal["confirm", "decline"],
    marked: Mark,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None,
) -> Appointment:
    status: Status = "confirmed" if kind == "confirm" else "declined"

    def stage(unit: Unit, current: Appointment) -> Appointment:
        if current.status == status:
            return current
        if current.status != "requested":
            detail = f"This appointment is {current.status.replace('_', ' ')}; there is no request to answer."
            raise Conflict("not_requested", detail, current=pending_change.facts(current))
        pending_change.check_settled(current)
        pending_change.check_alone(current)
        if current.external_id is None:
            paid, told = _deposit(current, marked) if kind == "confirm" else (current, {})
            answered = _write(unit, paid, status, marked.reason, **told)
            if hook:
                hook(unit, answered)
            return answered
        change = pending_change.new_change(kind, marked.by, unit.clock(), reason=marked.reason)
        return pending_change.stage_hold(unit, current, change)

    answered = _change(new_unit, company_id, appointment_id, marked, stage)
    if answered.pending_change is None:
        return answered
    return pending_change.carry_out(answered, calcom, new_unit, clock, hook)


def _deposit(current: Appointment, marked: Mark) -> tuple[Appointment, dict[str, str]]:
    without = marked.without_deposit
    return deposits.paid(current, marked.deposit_minor, without=without, facts=pending_change.facts(current))


def _change(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    marked: Mark,
    stage: Callable[[Unit, Appointment], Appointment],
) -> Appointment:
    for attempt in range(TRIES):
        current = appointment_store.get_appointment(company_id, appointment_id)
        pending_change.guard_version(current, marked.version)
        unit = new_unit()
        staged = stage(unit, current)
        if staged is current:
            return current
        try:
            unit.commit(staged)
            return staged
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are changing this appointment at once; try again in a moment.")


def _write(unit: Unit, current: Appointment, status: Status, reason: str | None = None, **told: str) -> Appointment:
    new = current.changed(unit.clock(), status=status, cancellation_reason=reason or current.cancellation_reason)
    if status == "confirmed":
        new = new.changed(new.updated_at, booked_as=new.booked_as or "confirmed", version=new.version)
    if status in OVER:
        time_swap.release_time(unit, current)
        unit.publish(AppointmentCancelled(appointment_id=new.id, status=status, version=new.version))
    else:
        unit.publish(AppointmentMarked(appointment_id=new.id, status=status, version=new.version))
    if "completed" in (current.status, status):
        # Services that ask for a consultation first look here.
        if new.group:
            unit.enqueue(FollowGroup(company_id=new.company_id, appointment_id=new.id))
        else:
            limit_store.note_done(unit, new.customer_id, new.service_id, 1 if status == "completed" else -1)
    appointment_store.save_appointment(unit, new)
    if new.external_id and "no_show" in (current.status, status):
        unit.enqueue(TellCalCom(company_id=new.company_id, appointment_id=new.id))
    unit.audit(f"appointment.{status}", new.id, ("status",), **moved_ids(current, new), **told)
    return new
