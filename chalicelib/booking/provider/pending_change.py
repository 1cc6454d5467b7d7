"""Changes that a provider has to agree to: both times are held, it is asked, then one of them is let go.

One transaction notes the change as pending (`PendingChange`) and takes its new time while the old one still stands; the
same transaction brings the job that asks it should this process not live to see the answer. A second one makes the
change or drops it. In between nobody else can have either time.
"""

from contextlib import closing
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, PendingChange
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import BookingProvider, ExternalBooking
from chalicelib.booking.events import AppointmentChangeDropped
from chalicelib.booking.jobs import CancelLeftover, SettleChange
from chalicelib.booking.provider import requests
from chalicelib.booking.provider.apply import apply_external_state
from chalicelib.booking.provider.commit import add_to_settled, while_open
from chalicelib.booking.provider.requests import provider_of
from chalicelib.booking.provider.state import Outcome, host_of, judge
from chalicelib.core.errors import Conflict, DomainError, OutcomeUnknown
from chalicelib.core.ids import new_id
from chalicelib.core.logging import log
from chalicelib.core.unit import Unit

SETTLE_SECONDS = 90
"""When a pending change is looked into at first: well past the longest wait for a provider's own answer."""


def guard_version(current: Appointment, version: int | None) -> None:
    """Raises Conflict `stale_version` with the current state when the client decided on another version."""
    if version is not None and version != current.version:
        raise stale_version(current)


def stale_version(current: Appointment) -> Conflict:
    """The refusal of what was decided on an outdated state; `current` has what matters of the present one."""
    return Conflict("stale_version", "The appointment has changed meanwhile; see `current`.", current=facts(current))


def check_settled(current: Appointment) -> None:
    """Raises Conflict while the provider has yet to answer to the booking itself or to another change."""
    if current.status == "held":
        provider = provider_of(current)
        detail = f"{provider.title} has not confirmed this booking yet; try again in a minute."
        raise Conflict(provider.named("awaits_{}"), detail)
    if current.pending_change:
        at = provider_of(current).title
        detail = f"Another change of this appointment is under way at {at}; try again in a minute."
        raise Conflict("change_pending", detail, current=facts(current))


def is_under_way(refusal: DomainError) -> bool:
    """Whether it was refused because the provider has yet to answer to the booking or to another change."""
    return refusal.code == "change_pending" or refusal.code.startswith("awaits_")


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
    """Ask the provider for the pending change; the appointment with it made, or still pending when it did not say.

    Raises what the provider refused it with, after dropping the change (Conflict `…_slot_taken` when the time is taken
    there), or Conflict `stale_version` when the booking turns out to have been changed there meanwhile.
    """
    try:
        client = context.connect(str(held.provider))
    except DomainError as error:
        drop(context, held, error.code)
        raise
    with closing(client):
        try:
            booking = requests.send(held, client)
        except OutcomeUnknown:
            log.warning("provider's outcome unknown", extra={"appointment_id": held.id})
            return held
        except DomainError as refusal:
            log.info("provider refused", extra={"appointment_id": held.id, "code": refusal.code})
            return _refused(context, held, refusal, client)
        return settle(context, held, booking)


def _refused(
    context: ChangeContext[Appointment], held: Appointment, refusal: DomainError, client: BookingProvider
) -> Appointment:
    """Whether it was carried out all the same; then, or when it cannot be told, nothing is dropped."""
    if not provider_of(held).surely_undone(refusal):
        try:
            booking = requests.read(held, client)
        except DomainError as error:
            log.warning("provider cannot be asked", extra={"appointment_id": held.id, "code": error.code})
            return held
        outcome = outcome_of(held, booking)
        if booking and outcome == "done":
            return settle(context, held, booking)
        if booking and outcome == "elsewhere":
            raise stale_version(settle(replace(context, hook=None), held, booking))
    drop(context, held, refusal.code)
    raise refusal


def outcome_of(held: Appointment, booking: ExternalBooking | None) -> Outcome:
    """What became of the pending change, by the booking as it stands at the provider; None: it is not there at all."""
    if booking is None:
        return "untouched"
    return judge(held, booking, host_of(time_swap.schedule_for(held), held, booking))


def settle(context: ChangeContext[Appointment], held: Appointment, booking: ExternalBooking) -> Appointment:
    """Write down what the provider says. Idempotent: a webhook or a job may have been faster."""
    change = held.pending_change

    def add(unit: Unit, new: Appointment) -> None:
        if change and change.kind == "rebook" and held.external_id and new.external_id != held.external_id:
            provider, uid = str(held.provider), held.external_id
            unit.enqueue(CancelLeftover(company_id=new.company_id, appointment_id=new.id, provider=provider, uid=uid))
        if context.hook:
            context.hook(unit, new)

    settling = replace(context, hook=add)
    current, mine = while_open(
        held,
        lambda one: change is not None and one.pending_change == change,
        lambda one: apply_external_state(settling, one, booking),
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
