"""Changes that Cal.com has to agree to: both times are held, Cal.com is asked, then one of them is let go.

One transaction notes the change as pending (`PendingChange`) and takes its new time while the old one still stands; the
same transaction brings the job that asks Cal.com should this process not live to see the answer. A second one makes the
change or drops it. In between nobody else can have either time.
"""

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, PendingChange
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calcom import requests as calcom_requests
from chalicelib.booking.calcom.apply import apply_external_state
from chalicelib.booking.calcom.commit import add_to_settled, while_open
from chalicelib.booking.calcom.state import Outcome, as_event, host_of, judge, report_of
from chalicelib.booking.events import AppointmentChangeDropped
from chalicelib.booking.jobs import CancelLeftover, SettleChange
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import Booking, CalCom

SETTLE_SECONDS = 90
"""When a pending change is looked into at first: well past the longest wait for Cal.com's own answer."""


def guard_version(current: Appointment, version: int | None) -> None:
    """Raises Conflict `stale_version` with the current state when the client decided on another version."""
    if version is not None and version != current.version:
        raise stale_version(current)


def stale_version(current: Appointment) -> Conflict:
    """The refusal of what was decided on an outdated state; `current` has what matters of the present one."""
    return Conflict("stale_version", "The appointment has changed meanwhile; see `current`.", current=facts(current))


def check_settled(current: Appointment) -> None:
    """Raises Conflict while Cal.com has yet to answer to the booking itself or to another change."""
    if current.status == "held":
        raise Conflict("awaits_calcom", "Cal.com has not confirmed this booking yet; try again in a minute.")
    if current.pending_change:
        detail = "Another change of this appointment is under way at Cal.com; try again in a minute."
        raise Conflict("change_pending", detail, current=facts(current))


def check_alone(current: Appointment) -> None:
    """Raises Conflict for a part of a package: its parts keep their order and stand or fall together."""
    if current.package:
        detail = "This is a part of a package: change the package, which moves or ends all of its parts together."
        raise Conflict("part_of_package", detail, package_id=current.package.id)


def facts(current: Appointment) -> dict[str, Any]:
    """An appointment's state in plain values."""
    change = current.pending_change
    return {
        "id": current.id,
        "version": current.version,
        "status": current.status,
        "starts_at": current.starts_at.isoformat(),
        "ends_at": current.ends_at.isoformat(),
        "staff_id": current.staff_id,
        "pending_change": change.kind if change else None,
    }


def new_change(kind: Any, by: str, since: datetime, **fields: Any) -> PendingChange:
    """A change that is about to be asked for."""
    return PendingChange(id=new_id("chg"), kind=kind, by=by, since=since, **fields)


def stage_hold(unit: Unit, current: Appointment, change: PendingChange, **details: str) -> Appointment:
    """Stage that the change is pending, with the job that will ask about it; the caller takes its time and commits."""
    held = current.changed(unit.clock(), pending_change=change)
    appointment_store.save_appointment(unit, held)
    job = SettleChange(company_id=held.company_id, appointment_id=held.id, change_id=change.id)
    unit.enqueue(job, delay_seconds=SETTLE_SECONDS)
    unit.audit(f"appointment.{change.kind}_asked", held.id, ("pending_change",), change=change.id, **details)
    return held


def carry_out(context: ChangeContext[Appointment], held: Appointment) -> Appointment:
    """Ask Cal.com for the pending change; the appointment with it made, or still pending when Cal.com did not say.

    Raises what Cal.com refused it with, after dropping the change (Conflict `calcom_slot_taken` when the time is taken
    there), or Conflict `stale_version` when the booking turns out to have been changed at Cal.com meanwhile.
    """
    try:
        client = context.calcom()
    except DomainError as error:
        drop(context, held, error.code)
        raise
    with closing(client):
        try:
            booking = calcom_requests.send(held, client)
        except OutcomeUnknown:
            log.warning("calcom outcome unknown", extra={"appointment_id": held.id})
            return held
        except DomainError as refusal:
            log.info("calcom refused", extra={"appointment_id": held.id, "code": refusal.code})
            return _refused(context, held, refusal, client)
        return settle(context, held, booking)


def _refused(
    context: ChangeContext[Appointment], held: Appointment, refusal: DomainError, client: "CalCom"
) -> Appointment:
    """Whether it was carried out all the same; then, or when it cannot be told, nothing is dropped."""
    if refusal.code not in calcom_requests.NEVER_ARRIVED:
        try:
            booking = calcom_requests.read(held, client)
        except DomainError as error:
            log.warning("calcom cannot be asked", extra={"appointment_id": held.id, "code": error.code})
            return held
        outcome = outcome_of(held, booking)
        if booking and outcome == "done":
            return settle(context, held, booking)
        if booking and outcome == "elsewhere":
            raise stale_version(settle(replace(context, hook=None), held, booking))
    drop(context, held, refusal.code)
    raise refusal


def outcome_of(held: Appointment, booking: "Booking | None") -> Outcome:
    """What became of the pending change, by the booking as it stands at Cal.com; None: it is not there at all."""
    if booking is None:
        return "untouched"
    event = as_event(booking, held.external_id)
    return judge(held, event, host_of(time_swap.schedule_for(held), held, event.payload))


def settle(context: ChangeContext[Appointment], held: Appointment, booking: "Booking") -> Appointment:
    """Write down what Cal.com says. Idempotent: a webhook or a job may have been faster."""
    change = held.pending_change
    report = report_of(booking, held.external_id if booking.uid != held.external_id else None)

    def add(unit: Unit, new: Appointment) -> None:
        if change and change.kind == "rebook" and held.external_id and new.external_id != held.external_id:
            unit.enqueue(CancelLeftover(company_id=new.company_id, appointment_id=new.id, uid=held.external_id))
        if context.hook:
            context.hook(unit, new)

    settle_context = replace(context, hook=add)
    current, mine = while_open(
        held,
        lambda one: change is not None and one.pending_change == change,
        lambda one: apply_external_state(settle_context, one, report),
    )
    return current if mine else add_to_settled(context, current)


def drop(context: ChangeContext[Appointment], held: Appointment, reason: str) -> Appointment:
    """Give the pending change up: its time is free again, the appointment stays as it was. Idempotent."""
    change = held.pending_change

    def write(current: Appointment) -> Appointment:
        assert change, "only what is pending is dropped"
        kept = current.changed(context.clock(), pending_change=None)
        unit = context.new_unit()
        unit.free_key()
        time_swap.change_time(unit, current, kept)
        appointment_store.save_appointment(unit, kept)
        unit.publish(
            AppointmentChangeDropped(appointment_id=kept.id, kind=change.kind, reason=reason, version=kept.version)
        )
        unit.audit(f"appointment.{change.kind}_dropped", kept.id, ("pending_change",), change=change.id, reason=reason)
        unit.commit(kept)
        return kept

    return while_open(held, lambda one: change is not None and one.pending_change == change, write)[0]
