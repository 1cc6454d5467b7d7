"""Joining a group: one more participant, by compare-and-swap of the appointment, so that it is never oversold."""

from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.alternatives.refusal import SlotTaken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import Participant
from chalicelib.booking.availability.open_groups import JOINABLE
from chalicelib.booking.creation import group_seat
from chalicelib.booking.creation.group_seat import GroupSeat
from chalicelib.booking.creation.request import SeatRequest
from chalicelib.booking.creation.who_comes import WhoComes, who_comes
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, invalid
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import UnitFactory
from chalicelib.crm.people import store as people


@with_alternatives()
def join(
    new_unit: UnitFactory, company_id: str, appointment_id: str, request: SeatRequest, clock: Clock
) -> Appointment:
    """The group with one more participant: two or three requests, one transaction.

    Raises Conflict `slot_taken` with `alternatives` when too few seats are left, `not_bookable` with `failures`,
    `already_joined`, `not_joinable` for what is no group, over or begun.
    """
    key = appointment_store.appointment_key(company_id, appointment_id)
    blocks = rule_facts.block_keys(company_id, request.customer_id, request.contact)

    def attempt() -> Appointment:
        now = clock()
        rows = fetch_map([key, *request.customer_keys(company_id), *blocks])
        current = appointment_store.appointment_of(rows[key])
        if current is None:
            raise NotFound("appointment_not_found", f"There is no appointment {appointment_id}.")
        comes = who_comes(company_id, request, rows)
        unit = new_unit()
        new = group_seat.stage(unit, _seat(current, request, comes, now), rows)
        unit.commit(new)
        return new

    return until_committed(attempt, "calendar_busy", "Many are joining this group at once; try again in a moment.")


def named(company_id: str, group: Appointment) -> list[Participant]:
    """Who takes part; of whom nothing was told when they joined, what their record says. One request at most."""
    participants = group.group.participants if group.group else ()
    unnamed = [one.customer_id for one in participants if not (one.name or one.email or one.phone)]
    known = {record.id: record for record in people.find_all(company_id, unnamed)}

    def of(one: Participant) -> Participant:
        record = known.get(one.customer_id)
        if record is None:
            return one
        return msgspec.structs.replace(one, name=record.called, email=record.email, phone=record.phone)

    return [of(one) for one in participants]


def _seat(current: Appointment, request: SeatRequest, comes: WhoComes, now: datetime) -> GroupSeat:
    if current.group is None:
        raise Conflict("not_joinable", "This appointment is no group: nobody else can join it.")
    if current.status not in JOINABLE or current.starts_at <= now:
        raise Conflict("not_joinable", "This group has begun, or does not take place.")
    group_seat.check_not_in(current, comes.customer_id)
    if request.seats > current.group.seats:
        raise invalid(f"{request.path}.seats", "more_than_seats", f"It has {current.group.seats} seats.")
    schedule = time_swap.schedule_for(current)
    if schedule.find_service(current.service_id) is None:
        raise Conflict("not_joinable", "This is no longer offered here.")
    seat = GroupSeat(schedule=schedule, group=current, request=request, comes=comes, now=now)
    if current.group.left < request.seats:
        raise SlotTaken(seat.refused())
    return seat
