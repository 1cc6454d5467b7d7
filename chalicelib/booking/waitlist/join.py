"""Getting onto the waiting list."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.appointments.external import find_provider
from chalicelib.booking.events import WaitingAdded
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import DAY_MINUTES
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import deposits
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import LASTS, LONGEST, LOOKED_AT_EVERY, OPEN, WaitlistEntry, WaitlistTerms
from chalicelib.booking.waitlist.matching import can_be_waited_for, length_of
from chalicelib.core import guards
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Fault, invalid, raise_faults
from chalicelib.core.guards import Guard
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import fetch_map
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.contact_points import store as contact_points
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.crm.matching import resolve
from chalicelib.crm.matching.resolve import Sighting, Trust
from chalicelib.crm.people import store as people

MOST_DAYS = 62
MOST_OF_A_CUSTOMER = 5


class WaitlistRequest(WaitlistTerms, frozen=True, kw_only=True):
    """What someone would like. `services` and `staff` by id or name, in order of preference; at least one service.

    `expires_in_days` None: thirty days. The customer by `customer_id`, or by `contact`.
    """

    services: tuple[str, ...]
    staff: tuple[str, ...] = ()
    expires_in_days: int | None = None
    customer_id: str | None = None
    contact: Contact = Contact()

    def sighting(self) -> Sighting:
        """Who is said to wait, and by whom."""
        trust: Trust = "stranger" if self.visitor else "staff"
        return Sighting(contact=self.contact, trust=trust, source=self.source, can_answer=not self.visitor)


def join(new_unit: UnitFactory, company_id: str, request: WaitlistRequest, clock: Clock) -> WaitlistEntry:
    """Put someone on the waiting list; what is free already is offered to them at once.

    Who asks for the same again has the entry that stands. Raises Invalid with every field that is wrong, NotFound for
    branch or customer, Conflict `waits_already` for a customer who is on the list often enough.
    """

    def attempt() -> WaitlistEntry:
        now = clock()
        schedule = practice_store.get_schedule(company_id, request.branch_id, published=request.visitor)
        expires_at = now + (timedelta(days=request.expires_in_days) if request.expires_in_days else LASTS)
        raise_faults(find_faults(request, schedule, now, expires_at))
        unit = new_unit()
        terms: dict[str, Any] = {name: getattr(request, name) for name in WaitlistTerms.__struct_fields__}
        entry = WaitlistEntry(
            **terms | {"weekdays": tuple(sorted(set(request.weekdays)))},
            id=new_id("wai"),
            company_id=company_id,
            customer_id=_customer_id(unit, company_id, request, now),
            service_ids=tuple(dict.fromkeys(service.id for service in _services(request, schedule))),
            staff_ids=tuple(dict.fromkeys(one.id for name in request.staff for one in _staff(name, request, schedule))),
            expires_at=expires_at,
            look_at=now + LOOKED_AT_EVERY,
            created_at=now,
            updated_at=now,
        )
        same = _same(unit, entry)
        if same is None:
            waitlist_store.add(unit, entry)
            unit.publish(WaitingAdded(waiting_id=entry.id, branch_id=entry.branch_id))
            unit.audit("waiting.added", entry.id, customer=entry.customer_id)
        unit.commit(same or entry)
        return same or entry

    # Stale when somebody else added this customer just now.
    return until_committed(attempt)


def _customer_id(unit: Unit, company_id: str, request: WaitlistRequest, now: datetime) -> str:
    if request.customer_id:
        customer = people.get(company_id, request.customer_id)
        if not customer.contact().is_reachable:
            raise invalid("body.customer_id", "no_contact", "This customer has no phone number and no e-mail address.")
        return request.customer_id
    if not request.contact.is_reachable:
        raise invalid("body.customer", "required", "Give the customer's phone number or e-mail address.")
    rows = fetch_map(contact_points.keys(company_id, request.contact))
    return resolve.stage(unit, resolve.resolve(company_id, request.sighting(), rows), now)


def _same(unit: Unit, entry: WaitlistEntry) -> WaitlistEntry | None:
    """The customer's entry that asks for the same and is open; else a note that this one does, with the unit.

    Two who ask at once are seen by the guard, which the index of entries would not tell of yet.
    """
    terms = {name: getattr(entry, name) for name in (*WaitlistTerms.__struct_fields__, "service_ids", "staff_ids")}
    same = {**terms, "source": None, "visitor": None, "service_ids": sorted(entry.service_ids)}
    digest = sha256(msgspec.json.encode(same, order="deterministic")).hexdigest()
    name = f"{entry.company_id}#waiting#{entry.customer_id}#{digest}"
    seen = guards.find(name, entry.created_at)
    before = waitlist_store.find(entry.company_id, seen.record or "") if seen else None
    if before and before.status in OPEN:
        return before
    if len(waitlist_store.open_entries_of(entry.company_id, entry.customer_id)) >= MOST_OF_A_CUSTOMER:
        raise Conflict("waits_already", f"Nobody is on the waiting list more than {MOST_OF_A_CUSTOMER} times.")
    guards.save(unit, name, Guard(until=entry.expires_at, record=entry.id), seen)
    return None


def find_faults(request: WaitlistRequest, schedule: Schedule, now: datetime, expires_at: datetime) -> Iterator[Fault]:
    """What is wrong with a request at a branch; an entry made of one without faults can be offered something."""
    yield from _service_faults(request, schedule)
    yield from _staff_faults(request, schedule)
    yield from _day_faults(request, now.astimezone(schedule.branch.clock()).date(), expires_at.date())
    yield from _time_faults(request, schedule)
    if expires_at - now > LONGEST:
        yield Fault("body.expires_in_days", "too_long", f"Nobody waits longer than {LONGEST.days} days.")


def _services(request: WaitlistRequest, schedule: Schedule) -> list[Service]:
    found = [schedule.find_service(name) for name in request.services]
    return [service for service in found if service and (service.published or not request.visitor)]


def _staff(name: str, request: WaitlistRequest, schedule: Schedule) -> list[Staff]:
    folded = name.strip().casefold()
    named = [staff for staff in schedule.staff if staff.id == name or staff.name.casefold() == folded]
    return [staff for staff in named if staff.published or not request.visitor]


def _service_faults(request: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    if not request.services:
        yield Fault("body.services", "required", "Give at least one.")
    for number, name in enumerate(request.services):
        path, service = f"body.services[{number}]", schedule.find_service(name)
        if service is None or (request.visitor and not service.published):
            yield Fault(path, "unknown_service", f"{name!r} is not offered here.")
        elif not can_be_waited_for(service):
            yield Fault(path, "not_waited_for", "Packages, groups and mobile services have no waiting list.")
        elif schedule.branch.provider and deposits.due(schedule.policy(service)):
            title = find_provider(schedule.branch.provider).title
            sentence = f"{service.name} asks for a deposit, which {title} would not wait for."
            yield Fault(path, "not_waited_for", sentence)
        elif request.length_min and (length_of(service, request.length_min) or 0) != request.length_min:
            longest = service.longest_min or service.duration_min
            sentence = f"{service.name} takes {service.duration_min} to {longest} minutes."
            yield Fault("body.length_min", "length_not_offered", sentence)


def _staff_faults(request: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    service_ids = {service.id for service in _services(request, schedule)}
    for number, name in enumerate(request.staff):
        path, found = f"body.staff[{number}]", _staff(name, request, schedule)
        if not found:
            yield Fault(path, "unknown_staff", f"{name!r} does not work here.")
        elif service_ids and not any(service_ids.intersection(staff.service_ids) for staff in found):
            yield Fault(path, "unknown_staff", f"{name!r} does none of this here.")
    if request.staff and request.prefer != Preference():
        yield Fault("body.prefer", "one_of", "Name staff, or say whom you would like, not both.")
    skill = request.prefer.skill
    if skill and not any(skill.casefold() == known.name.casefold() for one in schedule.staff for known in one.skills):
        yield Fault("body.prefer.skill", "skill_nobody_has", f"Nobody has the skill {skill!r}.")


def _day_faults(request: WaitlistRequest, today: date, expires: date) -> Iterator[Fault]:
    for number, one in enumerate(request.days):
        path = f"body.days[{number}]"
        if one.last < one.first:
            yield Fault(f"{path}.last", "ends_before_start", "`last` is not before `first`.")
        elif one.last < today:
            yield Fault(f"{path}.last", "in_the_past", "These days have passed.")
        elif (one.last - one.first).days >= MOST_DAYS:
            yield Fault(f"{path}.last", "range_too_long", f"At most {MOST_DAYS} days; leave days out for any.")
        elif one.first > today + FURTHEST:
            yield Fault(f"{path}.first", "too_far_ahead", "This is more than two years ahead.")
        elif one.first > expires:
            yield Fault(f"{path}.first", "after_expiry", "The waiting is over before; give `expires_in_days`.")
    weekdays = {
        (one.first + timedelta(days=number)).weekday()
        for one in request.days
        for number in range(min((one.last - one.first).days + 1, 7))
    }
    if request.days and request.weekdays and not weekdays.intersection(request.weekdays):
        yield Fault("body.weekdays", "never", "None of the days is one of these weekdays.")


def _time_faults(request: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    lengths = [request.length_min or service.duration_min for service in _services(request, schedule)]
    for number, one in enumerate(request.times):
        path = f"body.times[{number}].end"
        if one.end <= one.start:
            yield Fault(path, "ends_before_start", "It ends after it starts.")
        elif one.end > DAY_MINUTES:
            yield Fault(path, "past_midnight", "Give minutes of one day, 1440 at most.")
        elif one.end - one.start < min(lengths, default=0):
            yield Fault(path, "too_short", f"Nothing of this fits; it takes {min(lengths)} minutes.")
