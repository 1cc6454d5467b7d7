"""Getting onto the waiting list, and off it."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.creation import book
from chalicelib.booking.events import WaitingAdded, WaitingWithdrawn
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import DAY_MINUTES, Span
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import deposits
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.answer_offer import end_offer
from chalicelib.booking.waitlist.entry import LASTS, LONGEST, LOOKED_AT_EVERY, OPEN, Range, WaitlistEntry
from chalicelib.booking.waitlist.matching import can_be_waited_for, length_of
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Fault, Invalid, NotFound, Stale, Unavailable, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import customers
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact

MOST_DAYS = 62
MOST_OF_A_CUSTOMER = 5


class WaitlistRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What someone would like; see `WaitlistEntry`. `services` and `staff` by id or name. `customer_id`, or `contact`.

    `expires_in_days` None: thirty days. `visitor`: nothing and nobody unpublished.
    """

    branch_id: str
    services: tuple[str, ...]
    days: tuple[Range, ...] = ()
    weekdays: tuple[int, ...] = ()
    times: tuple[Span, ...] = ()
    staff: tuple[str, ...] = ()
    prefer: Preference = Preference()
    length_min: int | None = None
    expires_in_days: int | None = None
    customer_id: str | None = None
    contact: Contact = Contact()
    source: str = "api"
    visitor: bool = False


def join(new_unit: UnitFactory, company_id: str, wish: WaitlistRequest, clock: Clock) -> WaitlistEntry:
    """Put someone on the waiting list; what is free already is offered to him at once.

    Raises Invalid with every field that is wrong, NotFound for branch or customer, Conflict `waits_already` for someone
    who is on the list often enough.
    """
    for attempt in range(book.TRIES):
        now = clock()
        schedule = practice_store.get_schedule(company_id, wish.branch_id)
        if wish.visitor and not schedule.branch.published:
            raise NotFound("branch_not_found", f"There is no branch {wish.branch_id}.")
        expires_at = now + (timedelta(days=wish.expires_in_days) if wish.expires_in_days else LASTS)
        _raise(_faults(wish, schedule, now, expires_at))
        unit = new_unit()
        customer_id = _customer(unit, company_id, wish, now)
        waiting = WaitlistEntry(
            id=new_id("wai"),
            company_id=company_id,
            branch_id=wish.branch_id,
            customer_id=customer_id,
            service_ids=tuple(dict.fromkeys(one.id for one in _services(wish, schedule))),
            days=wish.days,
            weekdays=tuple(sorted(set(wish.weekdays))),
            times=wish.times,
            staff_ids=tuple(dict.fromkeys(one.id for one in _staff(wish, schedule))),
            prefer=wish.prefer,
            length_min=wish.length_min,
            visitor=wish.visitor,
            source="web" if wish.source == "web" else "mobile" if wish.source == "mobile" else "api",
            expires_at=expires_at,
            look_at=now + LOOKED_AT_EVERY,
            created_at=now,
            updated_at=now,
        )
        waitlist_store.add(unit, waiting)
        unit.publish(WaitingAdded(waiting_id=waiting.id, branch_id=waiting.branch_id))
        unit.audit("waiting.added", waiting.id, customer=customer_id)
        try:
            unit.commit(waiting)
            return waiting
        except Stale:  # somebody else added this customer just now
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("storage_busy", "Too much is happening to this record at once; try again in a moment.")


def withdraw(new_unit: UnitFactory, company_id: str, waiting_id: str, clock: Clock) -> WaitlistEntry:
    """Take someone off the list; what was offered to him is offered to the next. One who is off already stays so.

    Raises NotFound, Conflict `waiting_booked` for whom it has become an appointment.
    """
    for attempt in range(book.TRIES):
        current = waitlist_store.get(company_id, waiting_id)
        if current.status == "booked":
            raise Conflict("waiting_booked", "It is booked; cancel the appointment instead.")
        if current.status not in OPEN:
            return current
        unit = new_unit()
        if current.offer:
            after = end_offer(unit, current, "withdrawn", clock)
        else:
            after = current.withdrawn(clock())
            waitlist_store.save(unit, after)
        unit.publish(WaitingWithdrawn(waiting_id=waiting_id, branch_id=current.branch_id))
        unit.audit("waiting.withdrawn", waiting_id, ("status",))
        try:
            unit.commit(after)
            return after
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("storage_busy", "Too much is happening to this record at once; try again in a moment.")


def _customer(unit: Unit, company_id: str, wish: WaitlistRequest, now: datetime) -> str:
    if wish.customer_id:
        found = crm.get_customer(company_id, wish.customer_id)
        if not (found.phone or found.email):
            raise invalid("body.customer_id", "no_contact", "This customer has no phone number and no e-mail address.")
        customer_id: str | None = found.id
    elif not (wish.contact.phone or wish.contact.email):
        raise invalid("body.customer", "required", "Give the customer's phone number or e-mail address.")
    else:
        customer_id = crm.owner_of(fetch(crm.contact_keys(company_id, wish.contact)))
    if customer_id is None:
        return customers.add_from_contact(unit, wish.contact, wish.source, now).id
    if waitlist_store.open_of_customer(company_id, customer_id) >= MOST_OF_A_CUSTOMER:
        raise Conflict("waits_already", f"Nobody is on the waiting list more than {MOST_OF_A_CUSTOMER} times.")
    return customer_id


def _raise(faults: Iterator[Fault]) -> None:
    found = tuple(faults)
    if found:
        raise Invalid("invalid_request", f"{found[0].path}: {found[0].message}", faults=found)


def _faults(wish: WaitlistRequest, schedule: Schedule, now: datetime, expires_at: datetime) -> Iterator[Fault]:
    yield from _of_services(wish, schedule)
    yield from _of_staff(wish, schedule)
    today = now.astimezone(schedule.branch.clock()).date()
    yield from _of_days(wish, today, expires_at.date())
    yield from _of_times(wish, schedule)
    if expires_at - now > LONGEST:
        yield Fault("body.expires_in_days", "too_long", f"Nobody waits longer than {LONGEST.days} days.")


def _services(wish: WaitlistRequest, schedule: Schedule) -> list[Service]:
    found = [schedule.find_service(name) for name in wish.services]
    return [one for one in found if one and (one.published or not wish.visitor)]


def _of_services(wish: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    if not wish.services:
        yield Fault("body.services", "required", "Give at least one.")
    for number, name in enumerate(wish.services):
        path, service = f"body.services[{number}]", schedule.find_service(name)
        if service is None or (wish.visitor and not service.published):
            yield Fault(path, "unknown_service", f"{name!r} is not offered here.")
        elif why := _not_waited_for(service, schedule):
            yield Fault(path, "not_waited_for", why)
        elif wish.length_min and (length_of(service, wish.length_min) or 0) != wish.length_min:
            longest = service.longest_min or service.duration_min
            sentence = f"{service.name} takes {service.duration_min} to {longest} minutes."
            yield Fault("body.length_min", "length_not_offered", sentence)


def _not_waited_for(service: Service, schedule: Schedule) -> str | None:
    if not can_be_waited_for(service):
        return "Packages, groups and mobile services have no waiting list."
    if schedule.branch.books_through == "calcom" and deposits.due(schedule.policy(service)):
        return f"{service.name} asks for a deposit, which Cal.com would not wait for."
    return None


def _staff(wish: WaitlistRequest, schedule: Schedule) -> list[Staff]:
    return [one for name in wish.staff for one in _called(name, wish, schedule)]


def _called(name: str, wish: WaitlistRequest, schedule: Schedule) -> list[Staff]:
    folded = name.strip().casefold()
    named = [one for one in schedule.staff if one.id == name or one.name.casefold() == folded]
    return [one for one in named if one.published or not wish.visitor]


def _of_staff(wish: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    wanted = {service.id for service in _services(wish, schedule)}
    for number, name in enumerate(wish.staff):
        path, found = f"body.staff[{number}]", _called(name, wish, schedule)
        if not found:
            yield Fault(path, "unknown_staff", f"{name!r} does not work here.")
        elif wanted and not any(wanted.intersection(one.service_ids) for one in found):
            yield Fault(path, "unknown_staff", f"{name!r} does none of this here.")
    if wish.staff and wish.prefer != Preference():
        yield Fault("body.prefer", "one_of", "Name staff, or say whom you would like, not both.")
    skill = wish.prefer.skill
    if skill and not any(skill.casefold() == held.name.casefold() for one in schedule.staff for held in one.skills):
        yield Fault("body.prefer.skill", "skill_nobody_has", f"Nobody has the skill {skill!r}.")


def _of_days(wish: WaitlistRequest, today: date, expires: date) -> Iterator[Fault]:
    for number, one in enumerate(wish.days):
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


def _of_times(wish: WaitlistRequest, schedule: Schedule) -> Iterator[Fault]:
    lengths = [wish.length_min or one.duration_min for one in _services(wish, schedule)]
    for number, one in enumerate(wish.times):
        path = f"body.times[{number}]"
        if one.end <= one.start:
            yield Fault(f"{path}.end", "ends_before_start", "It ends after it starts.")
        elif one.end > DAY_MINUTES:
            yield Fault(f"{path}.end", "past_midnight", "Give minutes of one day, 1440 at most.")
        elif one.end - one.start < min(lengths, default=0):
            yield Fault(f"{path}.end", "too_short", f"Nothing of this fits; it takes {min(lengths)} minutes.")
    if wish.days and wish.weekdays and not _meet(wish.days, wish.weekdays):
        yield Fault("body.weekdays", "never", "None of the days is one of these weekdays.")


def _meet(days: Sequence[Range], weekdays: Sequence[int]) -> bool:
    return any(
        (one.first + timedelta(days=number)).weekday() in weekdays
        for one in days
        for number in range(min((one.last - one.first).days + 1, 7))
    )
