"""Booking an appointment: read once, decide, take the time and write everything in one transaction."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.booking.allocation import context as booking_context
from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments.appointment import Appointment, Source
from chalicelib.booking.appointments.hold import Hold, HoldProof
from chalicelib.booking.appointments.hold_token import proven
from chalicelib.booking.calendar.entries import reference_of
from chalicelib.booking.creation import group_seat, single
from chalicelib.booking.creation.decision import Asked, decide, expected, service_of
from chalicelib.booking.creation.group_seat import Joiner
from chalicelib.booking.practice.models import GeoAddress, Service, Staff
from chalicelib.booking.practice.policy import FURTHEST, RuleName
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import facts as rule_facts
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import NotFound, Stale, Unavailable, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm import customers
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer

TRIES = 24
"""How often a booking reads again because someone was faster on the same day; each round at least one gets through."""
pause: Callable[[float], None] = time.sleep


class BookingRequest(msgspec.Struct, frozen=True):
    """What someone wants booked. `customer_id`, or `contact` to find or add him by. `staff`: id or name, None: anyone.

    `path` is where these fields stand in the request, for the faults that name them. `length_min`: of a service whose
    length the customer chooses. `override`: rules that do not matter; whoever may say so is the endpoint's to know.
    `visitor`: nothing and nobody unpublished. `hold`: the visitor's own, which becomes the appointment. `seats`: of a
    group; one that stands then is joined. `address`: where the customer is, for a mobile service. `deposit_minor`: what
    was paid of the deposit; `pays_later`: what is left is paid afterwards, though he is no visitor.
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
    length_min: int | None = None
    prefer: Preference = Preference()
    override: tuple[RuleName, ...] = ()
    visitor: bool = False
    hold: HoldProof | None = None
    seats: int = 1
    address: GeoAddress | None = None
    deposit_minor: int = 0
    pays_later: bool = False

    def joiner(self) -> Joiner:
        """Who joins, where it is a group."""
        return Joiner(
            customer_id=self.customer_id,
            contact=self.contact,
            seats=self.seats,
            source=self.source,
            override=self.override,
            visitor=self.visitor,
            path=self.path,
        )

    def asked(self, hold: Hold | None = None) -> Asked:
        """What is to be decided about; a hold says again what it was made for."""
        return Asked(
            branch_id=self.branch_id,
            service=hold.service_id if hold else self.service,
            starts_at=to_utc(self.starts_at),
            length_min=hold.length_min if hold else self.length_min,
            staff=self.staff,
            prefer=self.prefer,
            override=self.override,
            visitor=self.visitor,
            path=self.path,
            seats=self.seats,
            address=(hold.address if hold else None) or self.address,
            # Who calls a branch is told of that branch's times.
            elsewhere=self.source != "retell_phone",
            paid_minor=self.deposit_minor,
            pays_later=self.pays_later,
        )


class Booked(msgspec.Struct, frozen=True):
    """What came of it. `held`: Cal.com has yet to take it. `customer` when he was added just now.

    Of a package, `appointment` is a `FirstPart` with all others, `service` the package.
    """

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


TransactionHook = Callable[[Unit, Booked, Sequence[Any]], None]
"""What another area adds to the same transaction; it gets the rows at the `extra` keys of `book`."""


def book(
    new_unit: UnitFactory,
    company_id: str,
    wish: BookingRequest,
    clock: Clock,
    extra: Sequence[Key] = (),
    hook: TransactionHook | None = None,
) -> Booked:
    """Take the time and write the appointment: one read, one transaction.

    Where the branch books through Cal.com it is only held (`Booked.held`); `calcom_booking.confirm_at_calcom` goes on.
    A group that stands at that time is joined while seats last, else one is opened; it comes as who joins sees it.
    Raises Conflict `slot_taken`, or `not_bookable` with every rule that fails (`failures`), each with up to three
    `alternatives`, `already_joined`; Invalid for a wish that can never be granted, NotFound for a branch, customer or
    hold that is not there, Unavailable when the day is fought over for too long.
    """
    starts_at = to_utc(wish.starts_at)
    check_time(starts_at, clock(), wish.path)
    contacts = [] if wish.customer_id else crm.contact_keys(company_id, wish.contact)
    known = [crm.key(company_id, wish.customer_id)] if wish.customer_id else contacts
    holds = [hold_store.key(company_id, wish.hold.id)] if wish.hold else []
    for attempt in range(TRIES):
        now = clock()
        around = [
            *rule_facts.block_keys(company_id, wish.customer_id, wish.contact),
            *expected(company_id, booking_context.seen(company_id, wish.branch_id), wish.asked(), wish.customer_id),
        ]
        keys = [*known, *holds, *around]
        found = booking_context.read(
            company_id, wish.branch_id, starts_at, starts_at, [*keys, *extra], wish.staff, wish.service
        )
        rows, others = dict(zip(keys, found.extra, strict=False)), found.extra[len(keys) :]
        unit = new_unit()
        booked = _stage(unit, company_id, wish, found, found.extra[: len(known)], rows, now)
        if hook:
            hook(unit, booked, others)
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
    wish: BookingRequest,
    found: BookingContext,
    customer_rows: Sequence[Any],
    rows: dict[Key, Any],
    now: datetime,
) -> Booked:
    if wish.visitor and not found.schedule.branch.published:
        raise NotFound("branch_not_found", f"There is no branch {wish.branch_id}.")
    hold = _held(company_id, wish, rows, now)
    known = known_customer(wish.customer_id, wish.contact, customer_rows, wish.path)
    asked = wish.asked(hold)
    standing = group_seat.find_joinable(found, asked, wish.joiner(), known, now)
    if standing:
        return _joined(unit, wish, found, standing, known, rows, now)
    wanted = service_of(found.schedule, asked)
    if wanted.parts:
        return _stage_package(unit, company_id, wish, wanted, found, rows, known, hold, now)
    return _stage_one(unit, company_id, wish, found, rows, known, hold, now)


def _stage_one(
    unit: Unit,
    company_id: str,
    wish: BookingRequest,
    found: BookingContext,
    rows: dict[Key, Any],
    known: str | None,
    hold: Hold | None,
    now: datetime,
) -> Booked:
    appointment_id = new_id("apt")
    reference = reference_of(appointment_id)
    decision = decide(company_id, wish.asked(hold), found, rows, known, wish.contact, reference, now, hold)
    customer_id, new_customer = (known, None) if known else _added(unit, wish, now)
    made = single.stage(unit, wish, decision, found.schedule, appointment_id, customer_id, hold, now)
    return Booked(made, found.schedule, decision.service, decision.choice.staff, wish.contact, new_customer)


def _joined(
    unit: Unit,
    wish: BookingRequest,
    found: BookingContext,
    standing: Appointment,
    customer_id: str | None,
    rows: dict[Key, Any],
    now: datetime,
) -> Booked:
    joined, added = group_seat.stage(unit, found.schedule, standing, wish.joiner(), customer_id, rows, now)
    staff = found.schedule.find_staff(joined.staff_id)
    assert staff, "its calendar is where it was found"
    service = found.schedule.service(joined.service_id, f"{wish.path}.service")
    mine = joined.seen_by(customer_id or (added.id if added else ""))
    return Booked(mine, found.schedule, service, staff, wish.contact, added)


def _stage_package(
    unit: Unit,
    company_id: str,
    wish: BookingRequest,
    package: Service,
    found: BookingContext,
    rows: dict[Key, Any],
    known: str | None,
    hold: Hold | None,
    now: datetime,
) -> Booked:
    from chalicelib.booking.creation import package as package_creation
    from chalicelib.booking.creation.package_decision import decide_package

    asked = wish.asked() if hold is None else msgspec.structs.replace(wish.asked(hold), length_min=None)
    placement = decide_package(company_id, asked, package, found, rows, known, wish.contact, now, hold)
    customer_id, new_customer = (known, None) if known else _added(unit, wish, now)
    first = package_creation.stage(unit, wish, placement, found, customer_id, hold, now)
    if hold:
        hold_store.remove(unit, hold)
    return Booked(first, found.schedule, package, placement.parts[0].staff, wish.contact, new_customer)


def _held(company_id: str, wish: BookingRequest, rows: dict[Key, Any], now: datetime) -> Hold | None:
    if wish.hold is None:
        return None
    hold = proven(hold_store.hold_of(rows[hold_store.key(company_id, wish.hold.id)]), wish.hold, now)
    if hold.branch_id != wish.branch_id or hold.starts_at != to_utc(wish.starts_at):
        raise invalid(f"{wish.path}.hold", "another_time", "This hold is for another branch or time.")
    if hold.address and wish.address and hold.address.point() != wish.address.point():
        raise invalid(f"{wish.path}.address", "another_place", "This hold is for another address.")
    return hold


def known_customer(customer_id: str | None, contact: Contact, rows: Sequence[Any], path: str) -> str | None:
    """The customer that a contact belongs to, in the rows read for it; None: he is to be added. Raises NotFound."""
    if customer_id:
        if rows[0] is None:
            raise NotFound("customer_not_found", f"There is no customer {customer_id}.")
        return customer_id
    found = crm.owner_of(rows)
    if found is None and not (contact.phone or contact.email):
        raise invalid(f"{path}.customer", "required", "Give the customer's phone number or e-mail address.")
    return found


def _added(unit: Unit, wish: BookingRequest, now: datetime) -> tuple[str, Customer]:
    added = customers.add_from_contact(unit, wish.contact, wish.source, now)
    return added.id, added
