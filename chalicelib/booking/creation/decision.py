"""Deciding about a request: what is asked for, what the rules say, who does it where. Nothing is written."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from chalicelib.booking.allocation.choose import ChoiceQuery, NewEntry, PartPlacement, choose, entry_for
from chalicelib.booking.alternatives.refusal import NotBookable, Refusal, SlotTaken
from chalicelib.booking.appointments.group import policy_to_open
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.entries import Kind
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import OFF_THE_GRID, Decided, Decision, judged
from chalicelib.booking.practice.models import GeoAddress, Service, Staff
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules.limits import LimitQuery
from chalicelib.booking.rules.rules import RuleInput
from chalicelib.core.errors import invalid


def decide(context: BookingContext) -> Decided:
    """Who does it, and where; of a package, each part of it.

    Raises SlotTaken, NotBookable with all failures of rules; Invalid for a request that can never be granted.
    """
    service = context.request.service_in(context.schedule)
    if service.parts:
        # The search that places parts is heavy, and most bookings need none.
        from chalicelib.booking.creation.package_decision import decide_package

        return decide_package(context, service)
    return decide_single(context)


def decide_single(context: BookingContext) -> Decision:
    """The same of a service that is no package."""
    found = judge(context)
    if isinstance(found, Refusal):
        raise found
    return found


def judge(context: BookingContext) -> Decision | Refusal:
    """What `decide_single` decides; a refusal is returned, and not raised."""
    request, schedule, hold = context.request, context.schedule, context.hold
    service = context.request.service_in(context.schedule)
    able = able_for(context, service)
    address = _address(context, service)
    sized = msgspec.structs.replace(service, duration_min=request.length_min or service.duration_min)
    facts = rule_facts.read(
        LimitQuery(schedule, service, able, context.customer_id, context.day), request.contact, context.branch.rows
    )
    verdict = judged(
        context,
        RuleInput(
            now=context.now,
            starts_at=request.starts_at,
            ends_at=request.starts_at + timedelta(minutes=sized.duration_min),
            schedule=schedule,
            service=service,
            policy=policy_to_open(schedule.policy(service), service),
            staff=able,
            usages=facts.that_matter(able),
            blocked=facts.blocked,
            consulted=facts.consulted or not request.names_customer,
            paid_minor=request.deposit_minor,
        ),
    )
    if verdict.refused:
        return NotBookable(context.refused(sized), verdict.refused)
    point = address.point() if address else None
    kind = Kind.GROUP if sized.seats > request.seats else Kind.BOOKING
    entry = entry_for(sized, request.starts_at, context.reference, kind, point)
    query = ChoiceQuery(
        service=sized,
        able=verdict.with_room(able, facts),
        new=NewEntry(entry, context.now, hold.reference if hold else b""),
        how=verdict.policy.assignment or "least_loaded",
        preference=request.prefer,
        any_hours=verdict.any_hours,
        rooms_first=hold.parts[0].resource_ids if hold else (),
        roads=travel_time.roads(schedule, verdict.policy.travel, context.branch.calendars, point),
    )
    only_offered = request.visitor and hold is None
    offered = msgspec.structs.replace(query, able=_on_offer(context, sized, query.able)) if only_offered else query
    choice = choose(context.branch, offered)
    if choice is None:
        between = only_offered and choose(context.branch, query)
        refused = context.refused(sized)
        return NotBookable(refused, (OFF_THE_GRID,)) if between else SlotTaken(refused)
    rooms = tuple(room.owner.id for room in choice.rooms)
    return Decision(
        service=sized,
        verdict=verdict,
        day=context.day,
        parts=(PartPlacement(sized, request.starts_at, choice.staff, rooms),),
        address=address,
        choice=choice,
        entry=entry,
    )


def able_for(context: BookingContext, service: Service) -> tuple[Staff, ...]:
    """Who of those asked for does it; raises Invalid about `staff`."""
    request, path = context.request, f"{context.request.path}.staff"
    able = context.schedule.able(service, context.hold.staff_id if context.hold else request.staff, path)
    if not request.visitor:
        return able
    published = tuple(member for member in able if member.published)
    if request.staff and not published:
        raise invalid(path, "unknown_staff", "Nobody of this name does this here.")
    return published


def _on_offer(context: BookingContext, service: Service, able: Sequence[Staff]) -> tuple[Staff, ...]:
    """Who of them is offered at that start: a visitor who books between the slots would leave gaps nobody can use."""
    from chalicelib.booking.availability.branch_calendar import free_slots

    ids = {member.id for member in able}
    calendars = [calendar for calendar in context.branch.calendars if calendar.owner.id in ids]
    slots = free_slots(context.schedule, service, calendars, [context.day], context.now)
    offered_by = {slot.staff.id for slot in slots if slot.starts_at == context.request.starts_at}
    return tuple(member for member in able if member.id in offered_by)


def _address(context: BookingContext, service: Service) -> GeoAddress | None:
    if not service.mobile:
        return None
    if context.request.address is None:
        sentence = f"{service.name} is done at the customer's: say where that is."
        raise invalid(f"{context.request.path}.address", "required", sentence)
    return context.request.address
