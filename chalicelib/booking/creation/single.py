"""Booking one appointment: what was decided on, its calendars and what it counts to in the one transaction."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.booking.appointments import group, hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Status
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.creation import group_seat
from chalicelib.booking.creation.decision import Decision
from chalicelib.booking.events import AppointmentBooked
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.core.unit import Unit

if TYPE_CHECKING:
    from chalicelib.booking.creation.book import BookingRequest

RECONCILE_SECONDS = 90
"""When a hold that awaits Cal.com is looked into at first: well past the longest wait for Cal.com's own answer."""


def stage(
    unit: Unit,
    wish: "BookingRequest",
    decision: Decision,
    schedule: Schedule,
    appointment_id: str,
    customer_id: str,
    hold: Hold | None,
    now: datetime,
) -> Appointment:
    """Stage what was decided on; the unit ends as Stale if a calendar has changed.

    `hold`: the visitor's own, whose time goes where that of the appointment comes.
    """
    counters = decision.counters(schedule, customer_id)
    first = group_seat.participant(customer_id, wish.joiner(), now)
    opened = group.opened(decision.policy, decision.service, first, decision.entry.start, now)
    # What a participant counts to goes when he leaves, what the group counts to when it is over.
    own = [counter for counter in counters if opened and counter.what == "customer"]
    appointment = msgspec.structs.replace(
        _appointment(wish, decision, schedule, appointment_id, customer_id, now),
        counted=tuple(counter.name for counter in counters if counter not in own),
        group=opened,
    )
    _take(unit, decision, hold, now)
    limit_store.count(unit, counters, over_the_limit=decision.unlimited)
    appointment_store.add_appointment(unit, appointment)
    if opened:
        group_seat.add_membership(unit, appointment, first, own)
    _tell(unit, wish, decision, appointment)
    return appointment


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


def _appointment(
    wish: "BookingRequest", decision: Decision, schedule: Schedule, appointment_id: str, customer_id: str, now: datetime
) -> Appointment:
    service, staff, starts_at = decision.service, decision.choice.staff, decision.entry.start
    status = _status(decision, schedule)
    deposit_due = deposits.due(decision.policy)
    return Appointment(
        id=appointment_id,
        company_id=schedule.branch.company_id,
        branch_id=schedule.branch.id,
        service_id=service.id,
        staff_id=staff.id,
        customer_id=customer_id,
        call_id=wish.call_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=service.duration_min),
        before_min=service.buffer_before_min,
        after_min=service.buffer_after_min,
        service_number=service.number,
        channel=service.channel,
        status=status,
        booked_as="confirmed" if status == "confirmed" else None,
        source=wish.source,
        metadata=wish.metadata,
        home_branch_id=staff.home_branch_id,
        resource_ids=tuple(room.owner.id for room in decision.choice.rooms),
        address=decision.address,
        currency=schedule.branch.currency if deposit_due or wish.deposit_minor else None,
        deposit_due_minor=deposit_due,
        deposit_minor=wish.deposit_minor,
        created_at=now,
        updated_at=now,
    )


def _status(decision: Decision, schedule: Schedule) -> Status:
    if schedule.branch.books_through == "calcom":
        return "held"
    return "requested" if decision.policy.needs_approval or decision.awaits_deposit else "confirmed"


def _take(unit: Unit, decision: Decision, hold: Hold | None, now: datetime) -> None:
    for calendar in decision.choice.calendars():
        if hold:
            calendar_store.exchange(unit, calendar, [hold.entry()], [decision.entry], now)
        else:
            calendar_store.take(unit, calendar, [decision.entry], now)
    if hold:
        hold_store.remove(unit, hold)


def _tell(unit: Unit, wish: "BookingRequest", decision: Decision, appointment: Appointment) -> None:
    """Stage the event, or the job that asks Cal.com, and what the history says."""
    if appointment.status == "held":
        # Every hold brings the job that will ask Cal.com about it, should this process not live to see the answer.
        job = ReconcileBooking(company_id=appointment.company_id, appointment_id=appointment.id)
        unit.enqueue(job, delay_seconds=RECONCILE_SECONDS)
    else:
        unit.publish(booked_event(appointment))
    action = {"held": "appointment.held", "requested": "appointment.requested"}.get(appointment.status)
    told: dict[str, Any] = {"overridden": ",".join(decision.overridden)} if decision.overridden else {}
    if appointment.deposit_minor:
        told["deposit"] = f"{appointment.deposit_minor} {appointment.currency}"
    unit.audit(action or "appointment.booked", appointment.id, call=wish.call_id or "", **told)
