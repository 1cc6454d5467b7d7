"""Joining a group: one more participant, by compare-and-swap of the appointment, so that it is never oversold."""

import random
from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import slot_taken
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import Participant
from chalicelib.booking.availability.open_groups import JOINABLE
from chalicelib.booking.creation import book, group_seat
from chalicelib.booking.creation.group_seat import Joiner
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, Stale, Unavailable, invalid
from chalicelib.core.tables import fetch
from chalicelib.core.unit import UnitFactory
from chalicelib.crm import store as crm


def join(new_unit: UnitFactory, company_id: str, appointment_id: str, joiner: Joiner, clock: Clock) -> Appointment:
    """The group with one more participant: two or three requests, one transaction.

    Raises Conflict `slot_taken` with `alternatives` when too few seats are left, `not_bookable` with `failures`,
    `already_joined`, `not_joinable` for what is no group, over or begun.
    """
    contacts = [] if joiner.customer_id else crm.contact_keys(company_id, joiner.contact)
    known = [crm.key(company_id, joiner.customer_id)] if joiner.customer_id else contacts
    keys = [*known, *rule_facts.block_keys(company_id, joiner.customer_id, joiner.contact)]
    for attempt in range(book.TRIES):
        now = clock()
        place, *rest = fetch([appointment_store.appointment_key(company_id, appointment_id), *keys])
        current = appointment_store.appointment_of(place)
        if current is None:
            raise NotFound("appointment_not_found", f"There is no appointment {appointment_id}.")
        customer_id = book.known_customer(joiner.customer_id, joiner.contact, rest[: len(known)], joiner.path)
        schedule = _check(current, joiner, customer_id, now)
        unit = new_unit()
        new, _ = group_seat.stage(unit, schedule, current, joiner, customer_id, dict(zip(keys, rest, strict=True)), now)
        try:
            unit.commit(new)
            return new
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are joining this group at once; try again in a moment.")


def named(company_id: str, group: Appointment) -> list[Participant]:
    """Who takes part; of whom nothing was told when he joined, what his customer record says. One request at most."""
    participants = group.group.participants if group.group else ()
    unnamed = [one.customer_id for one in participants if not (one.name or one.email or one.phone)]
    records = map(crm.customer_of, fetch([crm.key(company_id, customer_id) for customer_id in unnamed]))
    known = {record.id: record for record in records if record}

    def of(one: Participant) -> Participant:
        record = known.get(one.customer_id)
        if record is None:
            return one
        return msgspec.structs.replace(one, name=record.name, email=record.email, phone=record.phone)

    return [of(one) for one in participants]


def _check(current: Appointment, joiner: Joiner, customer_id: str | None, now: datetime) -> Schedule:
    if current.group is None:
        raise Conflict("not_joinable", "This appointment is no group: nobody else can join it.")
    if current.status not in JOINABLE or current.starts_at <= now:
        raise Conflict("not_joinable", "This group has begun, or does not take place.")
    group_seat.check_not_in(current, customer_id)
    if joiner.seats > current.group.seats:
        raise invalid(f"{joiner.path}.seats", "more_than_seats", f"It has {current.group.seats} seats.")
    schedule = time_swap.schedule_for(current)
    if schedule.find_service(current.service_id) is None:
        raise Conflict("not_joinable", "This is no longer offered here.")
    if current.group.left < joiner.seats:
        raise slot_taken(group_seat.refused_request(schedule, current, joiner, customer_id, now))
    return schedule
