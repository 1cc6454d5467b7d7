"""Writing what was decided on: its appointments, their calendars and what they count to, in the one transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.choose import PartPlacement
from chalicelib.booking.appointments import group as groups
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, Attendee, InPackage, Status, booked_event
from chalicelib.booking.appointments.group import Group
from chalicelib.booking.creation import group_seat
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decided
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.booking.rules.limits import Counter
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit

RECONCILE_SECONDS = 90
"""When a hold that awaits a provider is looked into at first: well past the longest wait for its own answer."""


def stage(unit: Unit, context: BookingContext, decided: Decided) -> Appointment:
    """Stage what was decided on for a customer who is known; of a package, the first part with all others.

    The unit ends as Stale if a calendar has changed, or a limit was reached. The time of the visitor's own hold goes
    where that of the appointments comes.
    """
    counters = decided.counters(context.schedule, context.customer_id)
    group = _group(context, decided)
    # What a participant counts to goes when they leave, what the group counts to when it is over.
    own = [counter for counter in counters if group and counter.what == "customer"]
    names = counted([counter for counter in counters if counter not in own], decided.parts)
    package = InPackage(new_id("pkg"), decided.service.id) if decided.service.parts else None
    parts = [
        appointment_for(context, decided, part, counted=mine, package=package)
        for part, mine in zip(decided.parts, names, strict=True)
    ]
    parts[0] = msgspec.structs.replace(parts[0], id=context.record_id, group=group, **deposit_fields(context, decided))
    _take(unit, context, parts)
    limit_store.count(unit, counters, over_the_limit=decided.verdict.unlimited)
    for part in parts:
        appointment_store.add_appointment(unit, part)
        stage_booked(unit, part, call=context.request.call_id or "", **_audit_details(decided, part))
    if group:
        group_seat.add_membership(unit, parts[0], group.participants[0], own)
    return _stage_package(unit, package, parts) if package else parts[0]


def stage_booked(unit: Unit, appointment: Appointment, **audit_details: str) -> None:
    """Stage the event, or the job that asks the provider, and what the history says."""
    if appointment.status == "held":
        # Every hold brings the job that will ask the provider about it, should this process not live to see the answer.
        job = ReconcileBooking(company_id=appointment.company_id, appointment_id=appointment.id)
        unit.enqueue(job, delay_seconds=RECONCILE_SECONDS)
    else:
        unit.publish(booked_event(appointment))
    action = {"held": "appointment.held", "requested": "appointment.requested"}.get(appointment.status)
    unit.audit(action or "appointment.booked", appointment.id, (), **audit_details)


def counted(counters: Iterable[Counter], parts: Sequence[PartPlacement]) -> list[tuple[str, ...]]:
    """What each part counts to: the package as such with the first, a member of staff with the first they do."""
    left = list(counters)
    found: list[tuple[str, ...]] = []
    for number, part in enumerate(parts):
        mine = [one for one in left if (one.record_id == part.staff.id if one.what == "staff" else number == 0)]
        left = [one for one in left if one not in mine]
        found.append(tuple(one.name for one in mine))
    return found


def appointment_for(context: BookingContext, decided: Decided, part: PartPlacement, **fields: Any) -> Appointment:
    """The appointment as it begins; `fields`: what else is to be said of it."""
    request, branch = context.request, context.schedule.branch
    status: Status = "requested" if decided.waits else "confirmed"
    if branch.provider:
        status = "held"
    return Appointment(
        id=new_id("apt"),
        company_id=branch.company_id,
        branch_id=branch.id,
        service_id=part.service.id,
        customer_id=str(context.customer_id),
        call_id=request.call_id,
        service_number=decided.service.number,
        channel=part.service.channel,
        provider=branch.provider,
        status=status,
        booked_as="confirmed" if status == "confirmed" else None,
        source=request.source,
        metadata=request.metadata,
        address=decided.address,
        attendee=_attendee(context),
        created_at=context.now,
        updated_at=context.now,
        **(asdict(part.slot()) | part.buffers() | fields),
    )


def _attendee(context: BookingContext) -> Attendee | None:
    """Who comes as a stranger says; what they say belongs to this booking, and is no news of the customer."""
    contact = context.request.contact
    if context.request.customer_id or not context.request.by_stranger or not (contact.name or contact.is_reachable):
        return None
    return Attendee(name=contact.name, email=contact.email, phone=contact.phone)


def _group(context: BookingContext, decided: Decided) -> Group | None:
    """The group that it opens."""
    if decided.service.seats == 1:
        return None
    first = group_seat.participant(str(context.customer_id), context.request, context.now)
    return groups.opened(decided.verdict.policy, decided.service, first, context.request.starts_at, context.now)


def deposit_fields(context: BookingContext, decided: Decided) -> dict[str, Any]:
    """What an appointment, or the first part of a package, says of its deposit."""
    due, paid = deposits.due(decided.verdict.policy), context.request.deposit_minor
    currency = context.schedule.branch.currency if due or paid else None
    return {"currency": currency, "deposit_due_minor": due, "deposit_minor": paid}


def _take(unit: Unit, context: BookingContext, parts: Sequence[Appointment]) -> None:
    calendars = context.branch.by_owner()
    # What it holds in a room that is no longer needed was not read, and lapses by itself.
    lies = context.hold.lies() if context.hold else {}
    held = {owner: entries for owner, entries in lies.items() if owner in calendars}
    time_swap.swap(unit, calendars, held, time_swap.taken_by(parts), context.now)


def _audit_details(decided: Decided, part: Appointment) -> dict[str, str]:
    return {
        **({"package": part.package.id} if part.package else {}),
        **decided.verdict.audit_details(),
        **({"deposit": f"{part.deposit_minor} {part.currency}"} if part.deposit_minor else {}),
    }


def _stage_package(unit: Unit, package: InPackage, parts: Sequence[Appointment]) -> Appointment:
    # Imported here: most bookings are of no package.
    from chalicelib.booking.appointments import package_store
    from chalicelib.booking.appointments.package import FirstPart, Package

    first = parts[0]
    package_store.add(
        unit,
        Package(
            id=package.id,
            company_id=first.company_id,
            branch_id=first.branch_id,
            service_id=package.service_id,
            customer_id=first.customer_id,
            appointment_ids=tuple(part.id for part in parts),
            created_at=first.created_at,
        ),
    )
    # Not msgspec's asdict: what it is a part of, and who comes, stay what they are.
    fields = {name: getattr(first, name) for name in Appointment.__struct_fields__}
    return FirstPart(**fields, parts=tuple(parts))
