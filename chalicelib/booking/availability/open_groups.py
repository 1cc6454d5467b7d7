"""Finding the groups that stand: calendars say where, the appointments themselves who takes part and what is left."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import in_time
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.engine.clocks import minute_of
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core.ids import id_from_bytes

if TYPE_CHECKING:
    from chalicelib.booking.availability.branch_calendar import Slot

JOINABLE = frozenset({"requested", "confirmed"})


def at(branch_id: str, service: Service, calendars: Iterable[Calendar], starts_at: datetime) -> list[Appointment]:
    """The groups of the service that begin then in the branch, full ones too, the oldest first.

    One request, none where the calendars know of none.
    """
    kinds = (Kind.BOOKING, Kind.GROUP)  # one that was full when the calendars were read may have a seat again
    entries = (e for one in calendars for e in one.entries() if e.kind in kinds and e.service == service.number)
    found = _read(service.company_id, branch_id, (e for e in entries if e.start == starts_at))
    return [one for one in found if one.starts_at == starts_at]


def find_joinable(
    services: Sequence[Service], calendars: Iterable[Calendar], branch_id: str, window: tuple[int, int]
) -> list[Appointment]:
    """The groups of these services with seats left that begin within a window of minutes.

    One request, none where no service has seats or the calendars know of no group.
    """
    if all(service.seats == 1 for service in services):
        return []
    first, last = window
    return _joinable(branch_id, services, calendars, lambda entry: first <= minute_of(entry.start) < last)


def offered(
    schedule: Schedule, service: Service, calendars: Sequence[Calendar], now: datetime
) -> "list[tuple[Appointment, Slot]]":
    """The groups of the service with these staff that can be joined, each with its time as it is offered."""
    from chalicelib.booking.availability.branch_calendar import Slot

    if service.seats == 1:
        return []
    members = {one.owner.id: schedule.find_staff(one.owner.id) for one in calendars}
    policy, branch = schedule.policy(service), schedule.branch
    return [
        (one, Slot(one.starts_at, one.ends_at, member, one.group.left))
        for one in _joinable(branch.id, [service], calendars, lambda entry: True)
        if one.group
        and (member := members.get(str(one.staff_id)))
        and one.length_min == service.duration_min
        and in_time(policy, one.starts_at, now, branch.zone)
    ]


def _joinable(
    branch_id: str, services: Sequence[Service], calendars: Iterable[Calendar], suits: Callable[[Entry], bool]
) -> list[Appointment]:
    numbers = {service.number for service in services if service.seats > 1}
    entries = (e for one in calendars for e in one.entries() if e.kind is Kind.GROUP and e.service in numbers)
    found = _read(services[0].company_id, branch_id, filter(suits, entries))
    return [one for one in found if one.group and not one.group.full]


def _read(company_id: str, branch_id: str, entries: Iterable[Entry]) -> list[Appointment]:
    ids = sorted({id_from_bytes("apt", entry.reference) for entry in entries})
    found = appointment_store.appointments_of(dict.fromkeys(ids, company_id)).values()
    return [
        one
        for one in found
        if one.group and one.branch_id == branch_id and one.status in JOINABLE and one.pending_change is None
    ]
