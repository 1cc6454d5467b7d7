"""Finding the groups that stand: calendars say where, the appointments themselves who takes part and what is left."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import JoinableGroup, in_time
from chalicelib.booking.calendar.entries import Days, Entry, Kind, entries_of
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.ids import id_from_bytes

if TYPE_CHECKING:
    from chalicelib.booking.availability.staff_slots import Calendars, Slot

JOINABLE = frozenset({"requested", "confirmed"})


def at(
    company_id: str, branch_id: str, service: Service, calendars: Iterable[Sequence[Entry]], starts_at: datetime
) -> list[Appointment]:
    """The groups of the service that begin then in the branch, full ones too, the oldest first.

    One request, none where the calendars know of none.
    """
    kinds = (Kind.BOOKING, Kind.GROUP)  # one that was full when the calendars were read may have a seat again
    ids = _ids(e for entries in calendars for e in entries if e.kind in kinds and _is(e, {service.number}, starts_at))
    return [one for one in _read(company_id, branch_id, ids) if one.starts_at == starts_at]


def joinable(
    company_id: str, branch_id: str, numbers: set[int], calendars: Iterable[Sequence[Entry]]
) -> list[Appointment]:
    """The groups of the branch with seats left, of services with these numbers, that calendars know of; one request."""
    ids = _ids(e for entries in calendars for e in entries if e.kind is Kind.GROUP and _is(e, numbers))
    return [one for one in _read(company_id, branch_id, ids) if one.group and not one.group.full]


def standing(
    company_id: str, branch_id: str, services: Iterable[Service], taken: Mapping[str, Days], first: int, last: int
) -> list[JoinableGroup]:
    """The same for a search: those that begin from minute `first` until before `last`. Nothing is read without need."""
    numbers = {service.number for service in services if service.seats > 1}
    if not numbers:
        return []
    entries = [
        [entry for entry in entries_of(days) if first <= minute_of(entry.start) < last] for days in taken.values()
    ]
    return [
        JoinableGroup(
            service_id=one.service_id,
            staff_id=str(one.staff_id),
            start=minute_of(one.starts_at),
            length_min=one.length_min,
            left=one.group.left,
            resource_ids=one.resource_ids,
        )
        for one in joinable(company_id, branch_id, numbers, entries)
        if one.group
    ]


def offered(
    schedule: Schedule, service: Service, calendars: "Calendars", now: datetime
) -> "list[tuple[Appointment, Slot]]":
    """The groups of the service with these staff that can be joined, each with the time as it is offered."""
    from chalicelib.booking.availability.staff_slots import Slot

    if service.seats == 1:
        return []
    members = {member.id: member for member, _ in calendars}
    policy, branch = schedule.policy(service), schedule.branch
    entries = [entries_of(days) for _, days in calendars]
    return [
        (one, Slot(one.starts_at, one.ends_at, members[str(one.staff_id)], one.group.left))
        for one in joinable(service.company_id, branch.id, {service.number}, entries)
        if one.group
        and one.staff_id in members
        and one.length_min == service.duration_min
        and in_time(policy, one.starts_at, now, branch.zone)
    ]


def _is(entry: Entry, numbers: set[int], starts_at: datetime | None = None) -> bool:
    return entry.service in numbers and starts_at in (None, entry.start)


def _ids(entries: Iterable[Entry]) -> list[str]:
    return sorted({id_from_bytes("apt", entry.reference) for entry in entries})


def _read(company_id: str, branch_id: str, ids: Sequence[str]) -> list[Appointment]:
    found = appointment_store.appointments_of(dict.fromkeys(ids, company_id)).values()
    return [
        one
        for one in found
        if one.group and one.branch_id == branch_id and one.status in JOINABLE and one.pending_change is None
    ]
