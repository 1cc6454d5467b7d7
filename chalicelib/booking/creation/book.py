"""Booking an appointment: read once, decide, take the time and write everything in one transaction."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from chalicelib.booking.allocation import context as branch_context
from chalicelib.booking.allocation.context import BranchContext
from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.appointments.hold_token import proven
from chalicelib.booking.creation import context as booking_context
from chalicelib.booking.creation import group_seat, same_again
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decision import decide
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.creation.stage import stage
from chalicelib.booking.creation.who_comes import who_comes
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.facts import Rows
from chalicelib.core.clock import Clock
from chalicelib.core.errors import NotFound, invalid
from chalicelib.core.ids import new_id
from chalicelib.core.retry import until_committed
from chalicelib.core.tables import Key
from chalicelib.core.unit import Unit, UnitFactory
from chalicelib.crm.contact_points.contact import Contact

BUSY = "Many are booking this day at once; try again in a moment."


class Booked(msgspec.Struct, frozen=True):
    """What came of it. Of a package, `appointment` is a `FirstPart` with all others, `service` the package.

    `repeated`: it stood before, as the same person asked for the same service at the same instant.
    """

    appointment: Appointment
    schedule: Schedule
    service: Service
    staff: Staff
    contact: Contact
    repeated: bool = False

    @property
    def held(self) -> bool:
        """Whether it is to be taken to the provider now; not what stood before, which is on its way there."""
        return self.appointment.status == "held" and not self.repeated


class TransactionHook(msgspec.Struct, frozen=True):
    """What another area adds to the same transaction, by rows that are read at `keys` along with everything else."""

    keys: tuple[Key, ...]
    stage: Callable[[Unit, Booked, Rows], None]


@with_alternatives()
def book(
    new_unit: UnitFactory,
    company_id: str,
    request: BookingRequest,
    clock: Clock,
    hook: TransactionHook | None = None,
) -> Booked:
    """Take the time and write the appointment: one read, one transaction.

    Where the branch books through a provider it is only held (`Booked.held`); `confirm_with_provider` goes on.
    A group that stands at that time is joined while seats last, else one is opened; it comes as who joins sees it.
    Raises Conflict `slot_taken`, or `not_bookable` with every rule that fails (`failures`), each with up to four
    `alternatives`, `already_joined`; Invalid for a request that can never be granted, NotFound for a branch, customer
    or hold that is not there, Unavailable when the day is fought over for too long.
    """
    request = request.in_utc()
    check_time(request.starts_at, clock(), request.path)
    holds = [hold_store.key(company_id, request.hold.id)] if request.hold else []
    others = same_again.keys(branch_context.seen(company_id, request.branch_id), request)
    keys = [*request.customer_keys(company_id), *holds, *(hook.keys if hook else ()), *others]

    def attempt() -> Booked:
        now = clock()
        branch = booking_context.read(company_id, request, keys)
        unit = new_unit()
        context = _context(company_id, request, branch, now)
        booked = _booked_before(unit, context) or _stage(unit, _with_hold(context))
        if hook:
            hook.stage(unit, booked, branch.rows)
        unit.commit(booked.appointment)
        return booked

    return until_committed(attempt, "calendar_busy", BUSY)


def check_time(starts_at: datetime, now: datetime, path: str) -> None:
    """Raises Invalid about `starts_at` for a time that nothing can be booked at."""
    if starts_at.second or starts_at.microsecond:
        raise invalid(f"{path}.starts_at", "not_a_minute", "Appointments start on a whole minute.")
    if starts_at <= now:
        raise invalid(f"{path}.starts_at", "in_the_past", "This time has passed; choose a later one.")
    if starts_at > now + FURTHEST:
        raise invalid(f"{path}.starts_at", "too_far_ahead", "This is more than two years ahead.")


def _context(company_id: str, request: BookingRequest, branch: BranchContext, now: datetime) -> BookingContext:
    if request.visitor and not branch.schedule.branch.published:
        raise NotFound("branch_not_found", f"There is no branch {request.branch_id}.")
    comes = who_comes(company_id, request, branch.rows)
    return BookingContext(
        request=request,
        branch=branch,
        record_id=new_id("apt"),
        now=now,
        customer_id=comes.customer_id,
        comes=comes,
    )


def _with_hold(context: BookingContext) -> BookingContext:
    hold = _hold(context.company_id, context.request, context.branch.rows, context.now)
    return msgspec.structs.replace(context, request=context.request.of_hold(hold), hold=hold) if hold else context


def _booked_before(unit: Unit, context: BookingContext) -> Booked | None:
    former = same_again.find(context)
    staff = context.schedule.find_staff(former.staff_id) if former else None
    if former is None or staff is None:
        return None
    request = context.request
    service = context.schedule.service(request.service, f"{request.path}.service")
    stands = same_again.stage(unit, context, former)
    return Booked(stands, context.schedule, service, staff, request.contact, repeated=True)


def _hold(company_id: str, request: BookingRequest, rows: Rows, now: datetime) -> Hold | None:
    if request.hold is None:
        return None
    hold = proven(hold_store.hold_of(rows[hold_store.key(company_id, request.hold.id)]), request.hold, now)
    if hold.branch_id != request.branch_id or hold.starts_at != request.starts_at:
        raise invalid(f"{request.path}.hold", "another_time", "This hold is for another branch or time.")
    if hold.address and request.address and hold.address.point() != request.address.point():
        raise invalid(f"{request.path}.address", "another_place", "This hold is for another address.")
    return hold


def _stage(unit: Unit, context: BookingContext) -> Booked:
    request, schedule = context.request, context.schedule
    group = group_seat.find_joinable(context)
    if group:
        return _join(unit, context, group)
    decided = decide(context)
    if context.comes:
        context = msgspec.structs.replace(context, customer_id=context.comes.stage(unit, context.now))
    made = stage(unit, context, decided)
    if context.hold:
        hold_store.remove(unit, context.hold)
    return Booked(made, schedule, decided.service, decided.parts[0].staff, request.contact)


def _join(unit: Unit, context: BookingContext, group: Appointment) -> Booked:
    request, schedule = context.request, context.schedule
    joined = group_seat.stage(unit, group_seat.seat_in(context, group), context.branch.rows)
    staff = schedule.find_staff(joined.staff_id)
    assert staff, "the group was found in their calendar"
    assert joined.group
    mine = joined.seen_by(joined.group.participants[-1].customer_id)
    service = schedule.service(joined.service_id, f"{request.path}.service")
    return Booked(mine, schedule, service, staff, request.contact)
