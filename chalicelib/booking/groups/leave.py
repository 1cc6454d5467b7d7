"""Leaving a group: one participant less, by compare-and-swap of the appointment; without anyone it is over."""

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.group import Membership, Participant
from chalicelib.booking.availability.open_groups import JOINABLE
from chalicelib.booking.changes.change import change_appointment
from chalicelib.booking.creation import group_seat
from chalicelib.booking.events import AppointmentCancelled, ParticipantLeft
from chalicelib.booking.rules import limit_store
from chalicelib.core.errors import Conflict, NotFound
from chalicelib.core.tables import fetch_one
from chalicelib.core.unit import Unit

BUSY = "Many are changing this group at once; try again in a moment."
EMPTY = "empty"
"""The reason for which a group is cancelled that the last one has left."""


class Leaver(msgspec.Struct, frozen=True, kw_only=True):
    """Who leaves: by the participant's id, or by the customer's."""

    participant_id: str | None = None
    customer_id: str | None = None

    def in_group(self, current: Appointment) -> Participant | None:
        """The one that is meant."""
        if current.group is None:
            return None
        if self.customer_id:
            return current.group.of(self.customer_id)
        return current.group.find(self.participant_id or "")


def leave(context: ChangeContext[Appointment], appointment_id: str, leaver: Leaver) -> Appointment:
    """The group without them; cancelled (`empty`) once nobody is left. Two requests, one transaction.

    Raises NotFound, Conflict `not_leavable` for what has begun or is over.
    """

    def stage(unit: Unit, current: Appointment) -> Appointment:
        who = leaver.in_group(current)
        if who is None:
            raise NotFound("participant_not_found", "Nobody of that id takes part.")
        if current.status not in JOINABLE or current.starts_at <= context.clock():
            raise Conflict("not_leavable", "This group has begun, or does not take place.")
        row = fetch_one(membership_store.key(context.company_id, current.id, who.customer_id))
        return _stage(unit, current, who, membership_store.membership_of(row))

    return change_appointment(context, appointment_id, stage, BUSY)


def _stage(unit: Unit, current: Appointment, who: Participant, membership: Membership | None) -> Appointment:
    assert current.group
    group = current.group.without(who.id)
    new = current.changed(unit.clock(), group=group)
    if group.participants:
        new = msgspec.structs.replace(new, customer_id=group.participants[0].customer_id)
        group_seat.exchange_kind(unit, current, new)
    else:
        new = msgspec.structs.replace(new, status="cancelled", cancellation_reason=EMPTY)
        time_swap.release_time(unit, msgspec.structs.replace(current, group=group))
        unit.publish(AppointmentCancelled(appointment_id=new.id, status=new.status, version=new.version))
    appointment_store.save_appointment(unit, new)
    membership_store.remove(unit, current.id, who.customer_id, membership)
    limit_store.uncount(unit, membership.counted if membership else ())
    unit.publish(
        ParticipantLeft(appointment_id=new.id, participant_id=who.id, customer_id=who.customer_id, version=new.version)
    )
    unit.audit("appointment.left", new.id, ("participants",), participant=who.id, customer=who.customer_id)
    return new
