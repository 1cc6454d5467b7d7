"""Deciding about a wish: what is asked for, what the rules say, who does it where. Nothing is written."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.allocation import choose
from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.allocation.choose import Choice, Choosing
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives.refusal import RefusedRequest, not_bookable, slot_taken
from chalicelib.booking.appointments.group import opening
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.calendar import travel_time
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.models import GeoAddress, Service, Staff
from chalicelib.booking.practice.policy import Policy, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.booking.rules import limits, rules
from chalicelib.booking.rules.facts import RuleFacts
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import Failure, RuleInput
from chalicelib.core.errors import invalid
from chalicelib.core.tables import Key
from chalicelib.crm.customer import Contact

OFF_THE_GRID = Failure("service_availability", "off_the_grid", "Appointments begin at the times that are offered.")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; `service` and `staff` by id or name. `path`: where these fields stand in the request.

    `visitor`: somebody from the street, who is shown nothing and nobody that is not published. `pays_later`: his
    deposit is paid afterwards, as a visitor's always is. `address`: where the customer is; it matters to mobile
    services alone. `elsewhere`: alternatives may be in other branches. `paid_minor`: the deposit paid by now.
    """

    branch_id: str
    service: str
    starts_at: datetime
    length_min: int | None = None
    staff: str | None = None
    prefer: Preference = Preference()
    override: tuple[RuleName, ...] = ()
    visitor: bool = False
    path: str = "body"
    seats: int = 1
    address: GeoAddress | None = None
    elsewhere: bool = True
    paid_minor: int = 0
    pays_later: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """It can be booked so. `service` has the length asked for; `overridden`: rules that would have refused it.

    `address`: the customer's, of a mobile service. `awaits_deposit`: it stands once the deposit is paid.
    """

    service: Service
    policy: Policy
    choice: Choice
    entry: Entry
    day: date
    overridden: tuple[RuleName, ...]
    unlimited: bool
    address: GeoAddress | None = None
    awaits_deposit: bool = False

    def counters(self, schedule: Schedule, customer_id: str | None) -> list[Counter]:
        """What it counts to."""
        return limits.counters(schedule, self.service, [self.choice.staff], customer_id, self.day)


class Refusal(msgspec.Struct, frozen=True):
    """It cannot be booked so: what was sought, and the rules that fail; none of them: someone has that time."""

    sought: RefusedRequest
    failures: tuple[Failure, ...] = ()


def expected(company_id: str, schedule: Schedule | None, asked: Asked, customer_id: str | None) -> list[Key]:
    """Where it most likely lies what the rules will look at, by the schedule as this process last saw it."""
    service = schedule.find_service(asked.service) if schedule else None
    if schedule is None or service is None:
        return []
    day = asked.starts_at.astimezone(schedule.branch.clock()).date()
    done = {service.id, *(part.service_id for part in service.parts)}
    staff = [member for member in schedule.staff if done.intersection(member.service_ids)]
    return rule_facts.keys(company_id, schedule, service, staff, customer_id, day)


def decide(
    company_id: str,
    asked: Asked,
    found: BookingContext,
    rows: dict[Key, Any],
    customer_id: str | None,
    contact: Contact,
    reference: bytes,
    now: datetime,
    hold: Hold | None = None,
    *,
    somebody: bool = True,
) -> Decision:
    """Who does it, and where. `rows`: whatever was read at `expected` and at `circumstances.block_keys`.

    Raises Conflict `not_bookable` with all `failures` of rules, `slot_taken`; both with `alternatives`. Invalid for a
    wish that can never be granted. `hold`: the visitor's own, whose time is his. `somebody` False: who it is for will
    be said later, and what the rules say of him shows then.
    """
    judged = judge(company_id, asked, found, rows, customer_id, contact, reference, now, hold, somebody=somebody)
    if isinstance(judged, Decision):
        return judged
    raise not_bookable(judged.sought, judged.failures) if judged.failures else slot_taken(judged.sought)


def judge(
    company_id: str,
    asked: Asked,
    found: BookingContext,
    rows: dict[Key, Any],
    customer_id: str | None,
    contact: Contact,
    reference: bytes,
    now: datetime,
    hold: Hold | None = None,
    *,
    somebody: bool = True,
) -> "Decision | Refusal":
    """What `decide` decides, without looking for alternatives."""
    schedule = found.schedule
    service = service_of(schedule, asked)
    able = _able(schedule, service, asked, hold)
    address = _address(service, asked)
    sized = msgspec.structs.replace(service, duration_min=asked.length_min or service.duration_min)
    day = asked.starts_at.astimezone(schedule.branch.clock()).date()
    seen = rule_facts.found(company_id, schedule, service, able, customer_id, contact, day, rows)
    sought = sought_of(company_id, asked, sized, customer_id, now)
    point = address.point() if address else None
    attempt = _attempt(schedule, service, sized, able, seen, asked, now, somebody=somebody)
    failed = rules.failures(attempt)
    awaits_deposit = waits_for_deposit(attempt, asked, failed)
    refused = _refused(asked, failed, awaits_deposit=awaits_deposit)
    if refused:
        return Refusal(sought, refused)
    overridden = tuple(failure.rule for failure in failed if failure.rule in asked.override)
    waived = {*attempt.policy.off, *overridden}
    kind = Kind.GROUP if sized.seats > asked.seats else Kind.BOOKING
    entry = entry_for(sized, asked.starts_at, reference, kind, point)
    with_room = able if "limits" in waived else seen.with_room(able)
    by = _choosing(attempt.policy, asked, hold, any_hours="staff_availability" in waived)
    by = msgspec.structs.replace(by, roads=travel_time.roads(attempt.policy.travel, found.calendars, point))
    only_offered = asked.visitor and hold is None
    candidates = _on_offer(found, sized, with_room, entry.start, now) if only_offered else with_room
    choice = choose.choose(found, sized, candidates, entry, now, by)
    if choice is None:
        between = only_offered and choose.choose(found, sized, with_room, entry, now, by)
        return Refusal(sought, (OFF_THE_GRID,) if between else ())
    return Decision(
        service=sized,
        policy=attempt.policy,
        choice=choice,
        entry=entry,
        day=day,
        overridden=overridden,
        unlimited=bool({"limits", "daily_maximum"} & set(overridden)),
        address=address,
        awaits_deposit=awaits_deposit,
    )


def offered(schedule: Schedule, asked: Asked) -> tuple[Service, tuple[Staff, ...]]:
    """The service asked for, and who of those asked for does it; raises Invalid naming what is not there."""
    service = service_of(schedule, asked)
    return service, _able(schedule, service, asked, None)


def _on_offer(
    found: BookingContext, service: Service, able: Sequence[Staff], starts_at: datetime, now: datetime
) -> tuple[Staff, ...]:
    """Who of them is offered at that start: a visitor who books between the slots would leave gaps nobody can use."""
    from chalicelib.booking.availability.staff_slots import free_slots

    members = {member.id: member for member in able}
    mine = [(members[one.owner.id], one.days) for one in found.calendars if one.owner.id in members]
    day = starts_at.astimezone(found.schedule.branch.clock()).date()
    slots = free_slots(found.schedule, service, mine, [day], now)
    offered_by = {slot.staff.id for slot in slots if slot.starts_at == starts_at}
    return tuple(member for member in able if member.id in offered_by)


def _attempt(
    schedule: Schedule,
    service: Service,
    sized: Service,
    able: tuple[Staff, ...],
    seen: RuleFacts,
    asked: Asked,
    now: datetime,
    *,
    somebody: bool,
) -> RuleInput:
    return RuleInput(
        now=now,
        starts_at=asked.starts_at,
        ends_at=asked.starts_at + timedelta(minutes=sized.duration_min),
        schedule=schedule,
        service=service,
        policy=opening(schedule.policy(service), service),
        staff=able,
        tallies=seen.that_matter(able),
        blocked=seen.blocked,
        consulted=seen.consulted or not somebody,
        paid_minor=asked.paid_minor,
    )


def waits_for_deposit(attempt: RuleInput, asked: Asked, failed: Sequence[Failure]) -> bool:
    """Whether it may be booked though its deposit is not paid, and stands once that was done."""
    # Only here can a request wait: Cal.com confirms by itself.
    later = (asked.visitor or asked.pays_later) and attempt.schedule.branch.books_through != "calcom"
    return later and any(failure.rule == "deposit" for failure in failed)


def _refused(asked: Asked, failed: Sequence[Failure], *, awaits_deposit: bool) -> tuple[Failure, ...]:
    """What is in the way, of the rules that fail."""
    waived = {*asked.override, *(("deposit",) if awaits_deposit else ())}
    return tuple(failure for failure in failed if failure.rule not in waived)


def _choosing(policy: Policy, asked: Asked, hold: Hold | None, *, any_hours: bool) -> Choosing:
    return Choosing(
        how=policy.assignment or "least_loaded",
        preference=asked.prefer,
        any_hours=any_hours,
        but=hold.reference if hold else b"",
        rooms_first=hold.resource_ids if hold else (),
    )


def entry_for(
    service: Service, starts_at: datetime, reference: bytes, kind: Kind = Kind.BOOKING, point: Point | None = None
) -> Entry:
    """What an appointment of this service would take of a calendar."""
    return Entry(
        starts_at,
        service.duration_min,
        service.buffer_before_min,
        service.buffer_after_min,
        kind,
        service.number,
        reference,
        point=point,
    )


def service_of(schedule: Schedule, asked: Asked) -> Service:
    """The service that is asked for; raises Invalid about `service`."""
    service = schedule.service(asked.service, f"{asked.path}.service")
    if asked.visitor and not service.published:
        raise invalid(f"{asked.path}.service", "unknown_service", "This is not offered here.")
    return service


def _address(service: Service, asked: Asked) -> GeoAddress | None:
    if not service.mobile:
        return None
    if asked.address is None:
        sentence = f"{service.name} is done at the customer's: say where that is."
        raise invalid(f"{asked.path}.address", "required", sentence)
    return asked.address


def _able(schedule: Schedule, service: Service, asked: Asked, hold: Hold | None) -> tuple[Staff, ...]:
    able = schedule.able(service, hold.staff_id if hold else asked.staff, f"{asked.path}.staff")
    if not asked.visitor:
        return able
    seen = tuple(member for member in able if member.published)
    if asked.staff and not seen:
        raise invalid(f"{asked.path}.staff", "unknown_staff", "Nobody of this name does this here.")
    return seen


def sought_of(
    company_id: str, asked: Asked, service: Service, customer_id: str | None, now: datetime
) -> RefusedRequest:
    """The time asked for, as the search for others sees it."""
    return RefusedRequest(
        company_id=company_id,
        branch_id=asked.branch_id,
        service=service,
        staff=asked.staff,
        starts_at=asked.starts_at,
        now=now,
        customer_id=customer_id,
        published=asked.visitor,
        seats=asked.seats,
        address=asked.address,
        length_min=asked.length_min,
        elsewhere=asked.elsewhere,
    )
