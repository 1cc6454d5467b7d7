"""Deciding about a wish: what is asked for, what the rules say, who does it where. Nothing is written."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking import choosing, circumstances, counting, rules
from chalicelib.booking.alternatives import Sought, not_bookable, slot_taken
from chalicelib.booking.assignment import Preference
from chalicelib.booking.choosing import Choice, Choosing
from chalicelib.booking.counting import Counter
from chalicelib.booking.hold import Hold
from chalicelib.booking.occupancy import Entry, Kind
from chalicelib.booking.policy import Policy, RuleName
from chalicelib.booking.practice import Service, Staff
from chalicelib.booking.rules import Attempt
from chalicelib.booking.schedule import Schedule
from chalicelib.booking.situation import Situation
from chalicelib.core.errors import invalid
from chalicelib.core.tables import Key
from chalicelib.crm.customer import Contact


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; `service` and `staff` by id or name. `path`: where these fields stand in the request.

    `visitor`: somebody from the street, who is shown nothing and nobody that is not published.
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


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """It can be booked so. `service` has the length asked for; `overridden`: rules that would have refused it."""

    service: Service
    policy: Policy
    choice: Choice
    entry: Entry
    day: date
    overridden: tuple[RuleName, ...]
    unlimited: bool

    def counters(self, schedule: Schedule, customer_id: str | None) -> list[Counter]:
        """What it counts to."""
        return counting.counters(schedule, self.service, [self.choice.staff], customer_id, self.day)


def expected(company_id: str, schedule: Schedule | None, asked: Asked, customer_id: str | None) -> list[Key]:
    """Where it most likely lies what the rules will look at, by the schedule as this process last saw it."""
    service = schedule.find_service(asked.service) if schedule else None
    if schedule is None or service is None:
        return []
    day = asked.starts_at.astimezone(schedule.branch.clock()).date()
    done = {service.id, *(part.service_id for part in service.parts)}
    staff = [member for member in schedule.staff if done.intersection(member.service_ids)]
    return circumstances.keys(company_id, schedule, service, staff, customer_id, day)


def decide(
    company_id: str,
    asked: Asked,
    found: Situation,
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
    schedule = found.schedule
    service = service_of(schedule, asked)
    able = _able(schedule, service, asked, hold)
    policy = schedule.policy(service)
    sized = msgspec.structs.replace(service, duration_min=asked.length_min or service.duration_min)
    day = asked.starts_at.astimezone(schedule.branch.clock()).date()
    seen = circumstances.found(company_id, schedule, service, able, customer_id, contact, day, rows)
    attempt = Attempt(
        now=now,
        starts_at=asked.starts_at,
        ends_at=asked.starts_at + timedelta(minutes=sized.duration_min),
        schedule=schedule,
        service=service,
        policy=policy,
        staff=able,
        tallies=seen.that_matter(able),
        blocked=seen.blocked,
        consulted=seen.consulted or not somebody,
    )
    failed = rules.failures(attempt)
    overridden = tuple(failure.rule for failure in failed if failure.rule in asked.override)
    sought = sought_of(company_id, asked, sized, customer_id, now)
    refused = [failure for failure in failed if failure.rule not in asked.override]
    if refused:
        raise not_bookable(sought, refused)
    waived = {*policy.off, *overridden}
    choosing_by = Choosing(
        how=policy.assignment or "least_loaded",
        preference=asked.prefer,
        any_hours="staff_availability" in waived,
        but=hold.reference if hold else b"",
        rooms_first=hold.resource_ids if hold else (),
    )
    entry = entry_for(sized, asked.starts_at, reference)
    with_room = able if "limits" in waived else seen.with_room(able)
    choice = choosing.choose(found, sized, with_room, entry, now, choosing_by)
    if choice is None:
        raise slot_taken(sought)
    return Decision(
        service=sized,
        policy=policy,
        choice=choice,
        entry=entry,
        day=day,
        overridden=overridden,
        unlimited=bool({"limits", "daily_maximum"} & set(overridden)),
    )


def entry_for(service: Service, starts_at: datetime, reference: bytes, kind: Kind = Kind.BOOKING) -> Entry:
    """What an appointment of this service would take of a calendar."""
    return Entry(
        starts_at,
        service.duration_min,
        service.buffer_before_min,
        service.buffer_after_min,
        kind,
        service.number,
        reference,
    )


def service_of(schedule: Schedule, asked: Asked) -> Service:
    """The service that is asked for; raises Invalid about `service`."""
    service = schedule.service(asked.service, f"{asked.path}.service")
    if asked.visitor and not service.published:
        raise invalid(f"{asked.path}.service", "unknown_service", "This is not offered here.")
    return service


def _able(schedule: Schedule, service: Service, asked: Asked, hold: Hold | None) -> tuple[Staff, ...]:
    able = schedule.able(service, hold.staff_id if hold else asked.staff, f"{asked.path}.staff")
    if not asked.visitor:
        return able
    seen = tuple(member for member in able if member.published)
    if asked.staff and not seen:
        raise invalid(f"{asked.path}.staff", "unknown_staff", "Nobody of this name does this here.")
    return seen


def sought_of(company_id: str, asked: Asked, service: Service, customer_id: str | None, now: datetime) -> Sought:
    """The time asked for, as the search for others sees it."""
    return Sought(
        company_id=company_id,
        branch_id=asked.branch_id,
        service=service,
        staff=asked.staff,
        starts_at=asked.starts_at,
        now=now,
        customer_id=customer_id,
        published=asked.visitor,
    )
