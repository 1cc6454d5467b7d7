"""Booking an appointment: read once, decide, take the time and write everything in one transaction."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking import calendars, situation, store
from chalicelib.booking.appointment import Appointment, Source
from chalicelib.booking.availability import Slot, free_slots, nearest, works
from chalicelib.booking.calendars import Calendar
from chalicelib.booking.events import AppointmentBooked
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.occupancy import Entry, Kind, first_clash, monday_of, reference_of
from chalicelib.booking.practice import Service, Staff
from chalicelib.booking.schedule import Schedule
from chalicelib.booking.situation import Situation
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Conflict, NotFound, Stale, Unavailable, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit
from chalicelib.crm import customers
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer

TRIES = 24
"""How often a booking reads again because someone was faster on the same day; each round at least one gets through."""
MOST_ALTERNATIVES = 3
FURTHEST = timedelta(days=730)
RECONCILE_SECONDS = 90
"""When a hold that awaits Cal.com is looked into at first: well past the longest wait for Cal.com's own answer."""
pause: Callable[[float], None] = time.sleep


class Wish(msgspec.Struct, frozen=True):
    """What someone wants booked. `customer_id`, or `contact` to find or add him by. `staff`: id or name, None: anyone.

    `path` is where these fields stand in the request, for the faults that name them.
    """

    branch_id: str
    service: str
    starts_at: datetime
    source: Source
    staff: str | None = None
    customer_id: str | None = None
    contact: Contact = msgspec.field(default_factory=lambda: Contact())
    call_id: str | None = None
    metadata: dict[str, str] = {}
    path: str = "body"


class Booked(msgspec.Struct, frozen=True):
    """What came of it. `held`: Cal.com has yet to take it. `customer` when he was added just now."""

    appointment: Appointment
    schedule: Schedule
    service: Service
    staff: Staff
    contact: Contact
    new_customer: Customer | None

    @property
    def held(self) -> bool:
        """Whether it still awaits Cal.com."""
        return self.appointment.status == "held"


Also = Callable[[Unit, Booked, Sequence[Any]], None]
"""What another area adds to the same transaction; it gets the rows at the `extra` keys of `book`."""


def book(
    begin: Callable[[], Unit],
    company_id: str,
    wish: Wish,
    clock: Clock,
    extra: Sequence[Key] = (),
    also: Also | None = None,
) -> Booked:
    """Take the time and write the appointment: one read, one transaction.

    Where the branch books through Cal.com it is only held (`Booked.held`); `calcom_booking.confirm_at_calcom` goes on.
    Raises Conflict `slot_taken` with up to three `alternatives`, Invalid for a wish that can never be granted, NotFound
    for a branch or customer that is not the company's, Unavailable when the day is fought over for too long.
    """
    starts_at = to_utc(wish.starts_at)
    check_time(starts_at, clock(), wish.path)
    contacts = [] if wish.customer_id else crm.contact_keys(company_id, wish.contact)
    known = [crm.key(company_id, wish.customer_id)] if wish.customer_id else contacts
    for attempt in range(TRIES):
        now = clock()
        found = situation.read(company_id, wish.branch_id, starts_at, starts_at, [*known, *extra], wish.staff)
        customer_rows, others = found.extra[: len(known)], found.extra[len(known) :]
        unit = begin()
        booked = _stage(unit, company_id, wish, starts_at, found, customer_rows, now)
        if also:
            also(unit, booked, others)
        try:
            unit.commit(booked.appointment)
            return booked
        except Stale:
            pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def check_time(starts_at: datetime, now: datetime, path: str) -> None:
    """Raises Invalid about `starts_at` for a time that nothing can be booked at."""
    if starts_at.second or starts_at.microsecond:
        raise invalid(f"{path}.starts_at", "not_a_minute", "Appointments start on a whole minute.")
    if starts_at <= now:
        raise invalid(f"{path}.starts_at", "in_the_past", "This time has passed; choose a later one.")
    if starts_at > now + FURTHEST:
        raise invalid(f"{path}.starts_at", "too_far_ahead", "This is more than two years ahead.")


def _stage(
    unit: Unit,
    company_id: str,
    wish: Wish,
    starts_at: datetime,
    found: Situation,
    customer_rows: Sequence[Any],
    now: datetime,
) -> Booked:
    schedule = found.schedule
    service = schedule.service(wish.service, f"{wish.path}.service")
    able = schedule.able(service, wish.staff, f"{wish.path}.staff")
    appointment_id = new_id("apt")
    entry = entry_for(service, starts_at, appointment_id)
    calendar = _choose(found, able, entry, now)
    if calendar is None:
        raise slot_taken(company_id, found, service, wish.staff, starts_at, now)
    customer_id, new_customer = _customer(unit, wish, customer_rows, now)
    through_calcom = schedule.branch.books_through == "calcom"
    appointment = Appointment(
        id=appointment_id,
        company_id=company_id,
        branch_id=schedule.branch.id,
        service_id=service.id,
        staff_id=calendar.staff.id,
        customer_id=customer_id,
        call_id=wish.call_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=service.duration_min),
        before_min=service.buffer_before_min,
        after_min=service.buffer_after_min,
        service_number=service.number,
        channel=service.channel,
        status="held" if through_calcom else "confirmed",
        booked_as=None if through_calcom else "confirmed",
        source=wish.source,
        metadata=wish.metadata,
        home_branch_id=calendar.staff.home_branch_id,
        created_at=now,
        updated_at=now,
    )
    calendars.take(unit, calendar, entry, now)
    store.add_appointment(unit, appointment)
    if through_calcom:
        # Every hold brings the job that will ask Cal.com about it, should this process not live to see the answer.
        unit.enqueue(
            ReconcileBooking(company_id=company_id, appointment_id=appointment_id), delay_seconds=RECONCILE_SECONDS
        )
    else:
        unit.publish(booked_event(appointment))
    unit.audit("appointment.held" if through_calcom else "appointment.booked", appointment_id, call=wish.call_id or "")
    return Booked(appointment, schedule, service, calendar.staff, wish.contact, new_customer)


def entry_for(service: Service, starts_at: datetime, appointment_id: str) -> Entry:
    """What an appointment of this service would take of a calendar."""
    return Entry(
        starts_at,
        service.duration_min,
        service.buffer_before_min,
        service.buffer_after_min,
        Kind.BOOKING,
        service.number,
        reference_of(appointment_id),
    )


def booked_event(appointment: Appointment) -> AppointmentBooked:
    """The fact that it stands."""
    return AppointmentBooked(
        appointment_id=appointment.id,
        customer_id=appointment.customer_id,
        branch_id=appointment.branch_id,
        source=appointment.source,
        version=appointment.version,
        call_id=appointment.call_id,
    )


def slot_taken(
    company_id: str,
    found: Situation,
    service: Service,
    staff: str | None,
    wanted: datetime,
    now: datetime,
    moving: Appointment | None = None,
) -> Conflict:
    """The refusal of a time, with the nearest free ones: the same staff first, then anyone."""
    slots = alternatives(company_id, found, service, staff, wanted, now, moving)
    clock = found.schedule.branch.clock()
    offered = [
        {
            "starts_at": slot.starts_at.astimezone(clock).isoformat(),
            "ends_at": slot.ends_at.astimezone(clock).isoformat(),
            "branch_id": found.schedule.branch.id,
            "service_id": service.id,
            "staff_id": slot.staff.id,
            "staff": slot.staff.name,
        }
        for slot in slots
    ]
    return Conflict("slot_taken", "This time is not free; see the alternatives.", alternatives=offered)


def alternatives(
    company_id: str,
    found: Situation,
    service: Service,
    staff: str | None,
    wanted: datetime,
    now: datetime,
    moving: Appointment | None = None,
) -> list[Slot]:
    """Up to three free slots nearest to `wanted` within the days before and after it.

    `moving`: the appointment that is to be moved; its own time is in nobody's way, and no alternative.
    """
    everyone = situation.widened(company_id, found)
    able = found.schedule.able(service, None, "service")
    day = wanted.astimezone(found.schedule.branch.clock()).date()
    # A day whose neighbours lie in a week that was not read would look free where it may not be.
    near = [day + timedelta(days=n) for n in range(-1, 3)]
    days = [d for d in near if all(monday_of(d + timedelta(days=n)) in found.mondays for n in (-1, 0, 1))]
    preferred = {c.staff.id for c in found.calendars} if staff else set()
    own = moving.entry().reference if moving else b""
    here = (moving.starts_at, moving.staff_id) if moving else None
    free = [(c.staff, c.days) for c in everyone.calendars if c.staff.id in {m.id for m in able}]
    found_slots = free_slots(found.schedule, service, free, days, now, own)
    slots = [slot for slot in found_slots if (slot.starts_at, slot.staff.id) != here]
    mine = [slot for slot in slots if slot.staff.id in preferred]
    others = [slot for slot in slots if slot.staff.id not in preferred]
    chosen = nearest(mine, wanted, MOST_ALTERNATIVES)
    return chosen + nearest(others, wanted, MOST_ALTERNATIVES - len(chosen))


def _choose(found: Situation, able: Sequence[Staff], entry: Entry, now: datetime) -> Calendar | None:
    # Among those free at that time whoever has least to do around it; ties go by id, so that they are stable.
    free = [
        calendar
        for calendar in found.calendars
        if calendar.staff in able
        and works(found.schedule, calendar.staff, entry)
        and not first_clash(calendar.days, entry, now)
    ]
    return min(free, key=lambda calendar: (len(calendar.entries()), calendar.staff.id), default=None)


def _customer(unit: Unit, wish: Wish, rows: Sequence[Any], now: datetime) -> tuple[str, Customer | None]:
    if wish.customer_id:
        if rows[0] is None:
            raise NotFound("customer_not_found", f"There is no customer {wish.customer_id}.")
        return wish.customer_id, None
    found = crm.owner_of(rows)
    if found:
        return found, None
    if not (wish.contact.phone or wish.contact.email):
        raise invalid(f"{wish.path}.customer", "required", "Give the customer's phone number or e-mail address.")
    added = customers.add_from_contact(unit, wish.contact, wish.source, now)
    return added.id, added
