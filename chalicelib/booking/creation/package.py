"""Booking a package: every part, its calendars and what it counts to in the one transaction, or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chalicelib.booking.allocation.context import BookingContext
from chalicelib.booking.alternatives.package_solver import Taking
from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment, InPackage, Status
from chalicelib.booking.appointments.hold import Hold
from chalicelib.booking.appointments.package import FirstPart, Package
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.creation.package_decision import Placement
from chalicelib.booking.creation.single import booked_event
from chalicelib.booking.rules import deposits, limit_store
from chalicelib.booking.rules.limits import Counter
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit

if TYPE_CHECKING:
    from chalicelib.booking.creation.book import BookingRequest

Owners = dict[str, list[Entry]]
"""What is taken of each calendar, by the id of whose it is."""


def stage(
    unit: Unit,
    wish: "BookingRequest",
    placement: Placement,
    found: BookingContext,
    customer_id: str,
    hold: Hold | None,
    now: datetime,
) -> FirstPart:
    """Stage a package whose placement was decided on what was `found`; the unit ends as Stale if that has changed.

    `hold`: the visitor's own, whose time goes where that of the parts comes.
    """
    counters = placement.counters(found.schedule, customer_id)
    package_id = new_id("pkg")
    parts = _parts(wish, placement, found, customer_id, counters, package_id, now)
    package = Package(
        id=package_id,
        company_id=unit.company_id,
        branch_id=found.schedule.branch.id,
        service_id=placement.package.id,
        customer_id=customer_id,
        appointment_ids=tuple(part.id for part in parts),
        created_at=now,
    )
    known = found.by_owner()
    # What it holds in a room that the package no longer needs was not read, and lapses by itself.
    held = {owner: mine for (_, owner), mine in hold.lies().items() if owner in known} if hold else {}
    swap(unit, known, held, entries_of(parts), now)
    limit_store.count(unit, counters, over_the_limit=placement.unlimited)
    package_store.add(unit, package)
    told: dict[str, Any] = {"overridden": ",".join(placement.overridden)} if placement.overridden else {}
    for part in parts:
        appointment_store.add_appointment(unit, part)
        unit.publish(booked_event(part))
        paid: dict[str, Any] = {"deposit": f"{part.deposit_minor} {part.currency}"} if part.deposit_minor else {}
        action = "appointment.requested" if part.status == "requested" else "appointment.booked"
        unit.audit(action, part.id, call=wish.call_id or "", package=package_id, **told, **paid)
    return FirstPart(**_fields(parts[0]), parts=tuple(parts))


def entries_of(parts: Iterable[Appointment]) -> Owners:
    """What appointments take, by calendar: two parts may be in one, which is then swapped once."""
    found: Owners = {}
    for part in parts:
        for owner in (str(part.staff_id), *part.resource_ids):
            found.setdefault(owner, []).append(part.entry())
    return found


def swap(unit: Unit, known: Mapping[str, Calendar], before: Owners, after: Owners, now: datetime) -> None:
    """Stage for each calendar, once, that what lay in it before goes and what lies in it afterwards comes."""
    for owner in {**before, **after}:
        calendar_store.exchange(unit, known[owner], before.get(owner, ()), after.get(owner, ()), now)


def counted(counters: Iterable[Counter], parts: Sequence[Taking]) -> list[tuple[str, ...]]:
    """What each part counts to: the package as such with the first, a member of staff with the first he does."""
    left = list(counters)
    found: list[tuple[str, ...]] = []
    for number, part in enumerate(parts):
        mine = [one for one in left if (one.record_id == part.staff.id if one.what == "staff" else number == 0)]
        left = [one for one in left if one not in mine]
        found.append(tuple(one.name for one in mine))
    return found


def _parts(
    wish: "BookingRequest",
    placement: Placement,
    found: BookingContext,
    customer_id: str,
    counters: list[Counter],
    package_id: str,
    now: datetime,
) -> list[Appointment]:
    waits = placement.policy.needs_approval or placement.awaits_deposit
    status: Status = "requested" if waits else "confirmed"
    parts = [
        Appointment(
            id=new_id("apt"),
            company_id=found.schedule.branch.company_id,
            branch_id=found.schedule.branch.id,
            service_id=part.service.id,
            staff_id=part.staff.id,
            customer_id=customer_id,
            call_id=wish.call_id,
            starts_at=part.starts_at,
            ends_at=part.ends_at,
            before_min=part.service.buffer_before_min,
            after_min=part.service.buffer_after_min,
            service_number=placement.package.number,
            channel=part.service.channel,
            status=status,
            booked_as="confirmed" if status == "confirmed" else None,
            source=wish.source,
            metadata=wish.metadata,
            home_branch_id=part.staff.home_branch_id,
            resource_ids=part.room_ids,
            counted=names,
            package=InPackage(package_id, placement.package.id),
            created_at=now,
            updated_at=now,
        )
        for part, names in zip(placement.parts, counted(counters, placement.parts), strict=True)
    ]
    deposit_due = deposits.due(placement.policy)
    if not (deposit_due or wish.deposit_minor):
        return parts
    currency = found.schedule.branch.currency
    first = replace(parts[0], currency=currency, deposit_due_minor=deposit_due, deposit_minor=wish.deposit_minor)
    return [first, *parts[1:]]


def _fields(part: Appointment) -> dict[str, Any]:
    # Not msgspec's asdict: what it is a part of, and who comes, stay what they are.
    return {name: getattr(part, name) for name in Appointment.__struct_fields__}
