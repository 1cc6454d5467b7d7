"""Reassigning: another member of staff does it, at the same time."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calcom.apply import AppointmentHook
from chalicelib.booking.changes.reschedule import Move, relocate
from chalicelib.core.clock import Clock
from chalicelib.core.unit import UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom


class Reassignment(msgspec.Struct, frozen=True, kw_only=True):
    """To whom (id or name), why and by whom. `version`: the one that was decided on, None: whichever."""

    staff: str
    reason: str | None = None
    by: str = "staff"
    version: int | None = None
    path: str = "body"


def reassign(
    new_unit: UnitFactory,
    company_id: str,
    appointment_id: str,
    wanted: Reassignment,
    clock: Clock,
    calcom: "Callable[[], CalCom]",
    hook: AppointmentHook | None = None,
) -> Appointment:
    """The appointment with another member of staff; with `pending_change` while Cal.com has not said it agrees.

    At Cal.com a round-robin event type gets another host; where each has event types of his own, a new booking is made
    and the old one cancelled. Raises what `reschedule` raises.
    """
    move = Move(
        starts_at=None,
        staff=wanted.staff,
        reason=wanted.reason,
        by=wanted.by,
        version=wanted.version,
        path=wanted.path,
    )
    return relocate(new_unit, company_id, appointment_id, move, clock, calcom, hook)
