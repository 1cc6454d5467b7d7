"""Seats of a group: which group a request joins, what is asked of who joins, and staging one more participant."""

from datetime import datetime

import msgspec

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.alternatives.refusal import NotBookable, RefusedRequest, SlotTaken
from chalicelib.booking.appointments import membership_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.appointments.group import Membership, Participant
from chalicelib.booking.availability import open_groups
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decision import able_for
from chalicelib.booking.creation.request import SeatRequest
from chalicelib.booking.creation.who_comes import WhoComes
from chalicelib.booking.events import ParticipantJoined
from chalicelib.booking.practice.policy import RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limit_store, rules
from chalicelib.booking.rules.limits import Counter, LimitQuery
from chalicelib.booking.rules.rules import RuleInput
from chalicelib.booking.rules.verdict import Verdict
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit

SETTLED: tuple[RuleName, ...] = ("business_hours", "staff_availability", "service_availability", "daily_maximum")
"""What a group that stands has been through; who joins it is asked the rest."""


class GroupSeat(msgspec.Struct, frozen=True, kw_only=True):
    """Seats of a group that are asked for, and for whom."""

    schedule: Schedule
    group: Appointment
    request: SeatRequest
    comes: WhoComes
    now: datetime

    @property
    def customer_id(self) -> str | None:
        """The customer's, if they are known."""
        return self.comes.customer_id

    def refused(self) -> RefusedRequest:
        """What cannot be had, as the search for other times sees it."""
        group, request = self.group, self.request
        service = self.schedule.service(group.service_id, f"{request.path}.service")
        return RefusedRequest(
            company_id=group.company_id,
            branch_id=group.branch_id,
            service=msgspec.structs.replace(service, duration_min=group.length_min),
            staff=group.staff_id,
            starts_at=group.starts_at,
            now=self.now,
            customer_id=self.customer_id,
            published=request.visitor,
            seats=request.seats,
        )


def refuse_hold(context: BookingContext) -> None:
    """Raises Invalid for a service with seats: a hold would keep everyone else from joining."""
    service = context.schedule.find_service(context.request.service)
    if service and service.seats > 1:
        path = f"{context.request.path}.service"
        raise invalid(path, "seats_not_held", "Seats of a group are not held; book them.")


def find_joinable(context: BookingContext) -> Appointment | None:
    """The group that stands at that time and has the seats; None where one has to be opened.

    One request where calendars know of any. Raises Invalid for what can never be, Conflict `already_joined`, and
    SlotTaken where everyone asked for has a group then, but not the seats.
    """
    request, schedule = context.request, context.schedule
    _check_seats(context)
    service = request.service_in(schedule)
    if service.seats == 1:
        return None
    ids = {member.id for member in able_for(context, service)}
    calendars = [calendar for calendar in context.branch.calendars if calendar.owner.id in ids]
    groups = open_groups.at(schedule.branch.id, service, calendars, request.starts_at)
    for group in groups:
        check_not_in(group, context.customer_id)
    length = request.length_min or service.duration_min
    for group in groups:
        if group.group and group.group.left >= request.seats and group.length_min == length:
            return group
    if groups and ids <= {group.staff_id for group in groups}:
        raise SlotTaken(msgspec.structs.replace(seat_in(context, groups[0]).refused(), staff=request.staff))
    return None


def seat_in(context: BookingContext, group: Appointment) -> GroupSeat:
    """What a booking asks of a group that stands."""
    return GroupSeat(
        schedule=context.schedule,
        group=group,
        request=context.request,
        comes=context.comes or WhoComes(context.customer_id),
        now=context.now,
    )


def check_not_in(group: Appointment, customer_id: str | None) -> None:
    """Raises Conflict `already_joined`."""
    if customer_id and group.is_for(customer_id):
        raise Conflict("already_joined", "This customer takes part in it already.", appointment_id=group.id)


def stage(unit: Unit, seat: GroupSeat, rows: rule_facts.Rows) -> Appointment:
    """The group with one more, staged, and their record where they are not known. `rows`: what rules look at.

    That there are seats is known. Raises NotBookable with all failures.
    """
    current, request, now = seat.group, seat.request, seat.now
    assert current.group
    verdict = _verdict(seat, rows)
    if verdict.refused:
        raise NotBookable(seat.refused(), verdict.refused)
    customer_id = seat.comes.stage(unit, now)
    who = participant(customer_id, request, now)
    new = current.changed(now, group=current.group.joined(who))
    exchange_kind(unit, current, new)
    counters = counters_of(seat.schedule, current, customer_id)
    limit_store.count(unit, counters, over_the_limit="limits" in verdict.overridden)
    appointment_store.save_appointment(unit, new)
    add_membership(unit, new, who, counters)
    ids = {"participant": who.id, "customer": customer_id, **verdict.audit_details()}
    unit.audit("appointment.joined", new.id, ("participants",), **ids)
    return new


def participant(customer_id: str, request: SeatRequest, now: datetime) -> Participant:
    """Who joins, as the group keeps them."""
    contact = request.contact
    return Participant(
        id=new_id("prt"),
        customer_id=customer_id,
        name=contact.name,
        email=contact.email,
        phone=contact.phone,
        seats=request.seats,
        source=request.source,
        joined_at=now,
    )


def add_membership(unit: Unit, group: Appointment, who: Participant, counters: list[Counter]) -> None:
    """Put the group into the participant's list, with what they count to, and tell of it."""
    membership_store.add(
        unit,
        Membership(
            appointment_id=group.id,
            customer_id=who.customer_id,
            starts_at=group.starts_at,
            counted=tuple(counter.name for counter in counters),
        ),
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
    for exchange in time_swap.exchanges((old, new)):
        exchange.stage(unit)


def counters_of(schedule: Schedule, group: Appointment, customer_id: str) -> list[Counter]:
    """What a participant counts to: their own limits. What the group counts to, it counted to when it was opened."""
    service = schedule.find_service(group.service_id)
    if service is None:
        return []
    day = group.starts_at.astimezone(schedule.branch.clock()).date()
    query = LimitQuery(schedule, service, (), customer_id, day)
    return [counter for counter in query.counters() if counter.what == "customer"]


def _check_seats(context: BookingContext) -> None:
    """Raises Invalid for more seats than there are, and for a group in a branch that books through a provider."""
    request, service = context.request, context.schedule.find_service(context.request.service)
    if service is None:
        return
    if request.seats > service.seats:
        sentence = f"{service.name} has {service.seats} seat{'' if service.seats == 1 else 's'}."
        raise invalid(f"{request.path}.seats", "more_than_seats", sentence)
    through = context.schedule.branch.provider
    if service.seats > 1 and through:
        provider = find_provider(through)
        sentence = f"Groups are not booked through {provider.title}."
        raise invalid(f"{request.path}.service", provider.named("no_groups_at_{}"), sentence)


def _verdict(seat: GroupSeat, rows: rule_facts.Rows) -> Verdict:
    schedule, group, request = seat.schedule, seat.group, seat.request
    service = schedule.service(group.service_id, f"{request.path}.service")
    policy = schedule.policy(service)
    day = group.starts_at.astimezone(schedule.branch.clock()).date()
    facts = rule_facts.read(LimitQuery(schedule, service, (), seat.customer_id, day), request.contact, rows)
    rule_input = RuleInput(
        now=seat.now,
        starts_at=group.starts_at,
        ends_at=group.ends_at,
        schedule=schedule,
        service=service,
        policy=msgspec.structs.replace(policy, off=(*policy.off, *SETTLED)),
        staff=(),
        usages=[usage for usage in facts.usages.values() if usage.what == "customer"],
        blocked=facts.blocked,
        consulted=facts.consulted,
    )
    failed = tuple(rules.failures(rule_input))
    return Verdict(policy=policy, failed=failed, override=request.override)
