"""What became of an appointment: missed, kept, or, where it was only asked for, confirmed or declined."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.history import moved_ids
from chalicelib.booking.changes.cancel import write_over
from chalicelib.booking.changes.change import change_appointment
from chalicelib.booking.events import AppointmentMarked
from chalicelib.booking.jobs import FollowGroup, PushBooking
from chalicelib.booking.provider import pending_change
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit

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
    context: ChangeContext[Appointment],
    appointment_id: str,
    status: Literal["no_show", "completed", "confirmed"],
    marked: Mark,
) -> Appointment:
    """The appointment, missed or kept; `confirmed` takes either back. the provider is told of a no-show by a job.

    Raises Conflict `not_started` before its time, `not_markable` for what did not take place, `stale_version`.
    """

    def stage(unit: Unit, current: Appointment) -> Appointment:
        pending_change.guard_version(current, marked.version)
        if current.status == status:
            return current
        if current.status not in TOOK_PLACE:
            detail = f"This appointment is {current.status.replace('_', ' ')}; only one that stood can be marked."
            raise Conflict("not_markable", detail, current=pending_change.facts(current))
        if status != "confirmed" and context.clock() < current.starts_at:
            raise Conflict("not_started", "It has not begun yet; cancel it if it will not take place.")
        return _write(unit, current, status)

    return change_appointment(context, appointment_id, stage)


def confirm(context: ChangeContext[Appointment], appointment_id: str, marked: Mark) -> Appointment:
    """What was only requested, confirmed; one that is confirmed is returned as it is.

    With `pending_change` when the provider did not say whether it agreed. Raises Conflict `not_requested`,
    `stale_version`, `deposit_required` while less was paid than was asked for.
    """
    return _answer(context, appointment_id, "confirm", marked)


def decline(context: ChangeContext[Appointment], appointment_id: str, marked: Mark) -> Appointment:
    """What was only requested, declined, and its time free again; one that is declined is returned as it is.

    With `pending_change` when the provider did not say whether it did. Raises Conflict `not_requested`,
    `stale_version`.
    """
    return _answer(context, appointment_id, "decline", marked)


def _answer(
    context: ChangeContext[Appointment], appointment_id: str, kind: Literal["confirm", "decline"], marked: Mark
) -> Appointment:
    status: Status = "confirmed" if kind == "confirm" else "declined"

    def stage(unit: Unit, current: Appointment) -> Appointment:
        pending_change.guard_version(current, marked.version)
        if current.status == status:
            return current
        if current.status != "requested":
            detail = f"This appointment is {current.status.replace('_', ' ')}; there is no request to answer."
            raise Conflict("not_requested", detail, current=pending_change.facts(current))
        pending_change.check_settled(current)
        pending_change.check_alone(current)
        if current.external_id is not None:
            change = pending_change.new_change(kind, marked.by, unit.clock(), reason=marked.reason)
            return pending_change.stage_hold(unit, current, change)
        if kind == "confirm":
            facts = pending_change.facts(current)
            paid, details = deposits.paid(current, marked.deposit_minor, without=marked.without_deposit, facts=facts)
            return _write(unit, paid, status, marked.reason, details)
        reason = marked.reason or current.cancellation_reason
        declined = current.changed(unit.clock(), status=status, cancellation_reason=reason)
        write_over(unit, current, declined)
        return declined

    return change_appointment(context, appointment_id, stage)


def _write(
    unit: Unit,
    current: Appointment,
    status: Status,
    reason: str | None = None,
    details: Mapping[str, str] = MappingProxyType({}),
) -> Appointment:
    booked_as = current.booked_as or "confirmed" if status == "confirmed" else current.booked_as
    reason = reason or current.cancellation_reason
    new = current.changed(unit.clock(), status=status, booked_as=booked_as, cancellation_reason=reason)
    unit.publish(AppointmentMarked(appointment_id=new.id, status=status, version=new.version))
    if "completed" in (current.status, status):
        # Services that ask for a consultation first look here.
        if new.group:
            unit.enqueue(FollowGroup(company_id=new.company_id, appointment_id=new.id))
        else:
            limit_store.note_done(unit, new.customer_id, new.service_id, 1 if status == "completed" else -1)
    appointment_store.save_appointment(unit, new)
    if new.external_id and "no_show" in (current.status, status):
        unit.enqueue(PushBooking(company_id=new.company_id, appointment_id=new.id))
    unit.audit(f"appointment.{status}", new.id, ("status",), **moved_ids(current, new), **details)
    return new
