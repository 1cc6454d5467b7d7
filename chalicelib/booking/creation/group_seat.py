"""Seats of a group: which group a wish joins, what is asked of who joins, and the staging of one more participant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives.refusal import RefusedRequest, not_bookable, slot_taken
from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import Membership, Participant
from chalicelib.booking.availability import open_groups
from chalicelib.booking.creation import decision
from chalicelib.booking.creation.decision import Asked
from chalicelib.booking.events import ParticipantJoined
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, limits, rules
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import RuleInput
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit
from chalicelib.crm import customers
from chalicelib.crm.customer import Contact, Customer

SETTLED: tuple[RuleName, ...] = ("business_hours", "staff_availability", "service_availability", "daily_maximum")
"""What a group that stands has been through; who joins it is asked the rest."""
Rows = Mapping[Key, Any]


class Joiner(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants to join. `customer_id`, or `contact` to find or add him by; `override`: rules that do not matter."""

    customer_id: str | None = None
    contact: Contact = msgspec.field(default_factory=lambda: Contact())
    seats: int = 1
    source: str = "api"
    override: tuple[RuleName, ...] = ()
    visitor: bool = False
    path: str = "body"


def check_seats(schedule: Schedule, asked: Asked) -> None:
    """Raises Invalid for more seats than there are, and for a group in a branch that books through Cal.com."""
    service = schedule.find_service(asked.service)
    if service is None:
        return
    if asked.seats > service.seats:
        sentence = f"{service.name} has {service.seats} seat{'' if service.seats == 1 else 's'}."
        raise invalid(f"{asked.path}.seats", "more_than_seats", sentence)
    if service.seats > 1 and schedule.branch.books_through == "calcom":
        raise invalid(f"{asked.path}.service", "no_groups_at_calcom", "Groups are not booked through Cal.com.")


def refuse_hold(schedule: Schedule, asked: Asked) -> None:
    """Raises Invalid for a service with seats: a hold would keep everyone else from joining."""
    service = schedule.find_service(asked.service)
    if service and service.seats > 1:
        raise invalid(f"{asked.path}.service", "seats_not_held", "Seats of a group are not held; book them.")


def find_joinable(
    found: BookingContext, asked: Asked, joiner: Joiner, customer_id: str | None, now: datetime
) -> Appointment | None:
    """The group that stands at that time and has the seats; None where one has to be opened.

    One request where calendars know of any. Raises Invalid for what can never be, Conflict `already_joined`, and
    `slot_taken` where everyone asked for has a group then, but not the seats.
    """
    schedule = found.schedule
    check_seats(schedule, asked)
    if decision.service_of(schedule, asked).seats == 1:
        return None
    service, able = decision.offered(schedule, asked)
    names = {member.id for member in able}
    mine = [calendar.entries() for calendar in found.calendars if calendar.owner.id in names]
    there = open_groups.at(service.company_id, schedule.branch.id, service, mine, asked.starts_at)
    for group in there:
        check_not_in(group, customer_id)
    length = asked.length_min or service.duration_min
    fitting = (g for g in there if g.group and g.group.left >= joiner.seats and g.length_min == length)
    group_to_join = next(fitting, None)
    if group_to_join is None and there and names <= {group.staff_id for group in there}:
        taken = refused_request(schedule, there[0], joiner, customer_id, now)
        raise slot_taken(msgspec.structs.replace(taken, staff=asked.staff))
    return group_to_join


def check_not_in(group: Appointment, customer_id: str | None) -> None:
    """Raises Conflict `already_joined`."""
    if customer_id and group.is_for(customer_id):
        raise Conflict("already_joined", "This customer takes part in it already.", appointment_id=group.id)


def stage(
    unit: Unit,
    schedule: Schedule,
    current: Appointment,
    joiner: Joiner,
    customer_id: str | None,
    rows: Rows,
    now: datetime,
) -> tuple[Appointment, Customer | None]:
    """The group with one more, staged, and who was added where `customer_id` is None. `rows`: what rules look at.

    That there are seats is known. Raises Conflict `not_bookable` with all `failures`.
    """
    assert current.group
    overridden = _allowed(schedule, current, joiner, customer_id, rows, now)
    added = None if customer_id else customers.add_from_contact(unit, joiner.contact, joiner.source, now)
    who = participant(customer_id or (added.id if added else ""), joiner, now)
    new = current.changed(now, group=current.group.joined(who))
    exchange_kind(unit, current, new)
    counters = counters_of(schedule, current, who.customer_id)
    limit_store.count(unit, counters, over_the_limit="limits" in overridden)
    appointment_store.save_appointment(unit, new)
    add_membership(unit, new, who, counters)
    told = {"overridden": ",".join(overridden)} if overridden else {}
    unit.audit("appointment.joined", new.id, ("participants",), participant=who.id, customer=who.customer_id, **told)
    return new, added


def participant(customer_id: str, joiner: Joiner, now: datetime) -> Participant:
    """Who joins, as the group keeps him."""
    contact = joiner.contact
    return Participant(
        id=new_id("prt"),
        customer_id=customer_id,
        name=contact.name,
        email=contact.email,
        phone=contact.phone,
        seats=joiner.seats,
        source=joiner.source,
        joined_at=now,
    )


def add_membership(unit: Unit, group: Appointment, who: Participant, counters: list[Counter]) -> None:
    """Put the group into the participant's list, with what he counts to, and tell of it."""
    names = tuple(counter.name for counter in counters)
    membership_store.add(
        unit,
        Membership(appointment_id=group.id, customer_id=who.customer_id, starts_at=group.starts_at, counted=names),
    )
    unit.publish(
        ParticipantJoined(
            appointment_id=group.id,
            participant_id=who.id,
            customer_id=who.customer_id,
            seats=who.seats,
            version=group.version,
        )
    )


def exchange_kind(unit: Unit, old: Appointment, new: Appointment) -> None:
    """Let calendars say whether others can still join; no request where that stays as it is."""
    for exchange in time_swap.exchanges(old, new):
        exchange.stage(unit)


def counters_of(schedule: Schedule, group: Appointment, customer_id: str) -> list[Counter]:
    """What a participant counts to: his own limits. What the group counts to, it counted to when it was opened."""
    service = schedule.find_service(group.service_id)
    if service is None:
        return []
    day = group.starts_at.astimezone(schedule.branch.clock()).date()
    return [one for one in limits.counters(schedule, service, (), customer_id, day) if one.what == "customer"]


def _allowed(
    schedule: Schedule, current: Appointment, joiner: Joiner, customer_id: str | None, rows: Rows, now: datetime
) -> tuple[RuleName, ...]:
    service = schedule.service(current.service_id, f"{joiner.path}.service")
    policy: Policy = schedule.policy(service)
    day = current.starts_at.astimezone(schedule.branch.clock()).date()
    seen = rule_facts.found(current.company_id, schedule, service, (), customer_id, joiner.contact, day, dict(rows))
    attempt = RuleInput(
        now=now,
        starts_at=current.starts_at,
        ends_at=current.ends_at,
        schedule=schedule,
        service=service,
        policy=msgspec.structs.replace(policy, off=(*policy.off, *SETTLED)),
        staff=(),
        tallies=[tally for tally in seen.tallies if tally.what == "customer"],
        blocked=seen.blocked,
        consulted=seen.consulted,
    )
    failed = rules.failures(attempt)
    refused = [failure for failure in failed if failure.rule not in joiner.override]
    if refused:
        raise not_bookable(refused_request(schedule, current, joiner, customer_id, now), refused)
    return tuple(failure.rule for failure in failed)


def refused_request(
    schedule: Schedule, current: Appointment, joiner: Joiner, customer_id: str | None, now: datetime
) -> RefusedRequest:
    """The seats that someone cannot have, for the refusal."""
    service = schedule.service(current.service_id, f"{joiner.path}.service")
    return RefusedRequest(
        company_id=current.company_id,
        branch_id=current.branch_id,
        service=msgspec.structs.replace(service, duration_min=current.length_min),
        staff=current.staff_id,
        starts_at=current.starts_at,
        now=now,
        customer_id=customer_id,
        published=joiner.visitor,
        seats=joiner.seats,
    )
