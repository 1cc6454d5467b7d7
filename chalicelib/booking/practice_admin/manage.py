"""Changing the practice: a record and the schedules of the branches that it concerns, in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.events import PracticeChanged
from chalicelib.booking.jobs import RecompileBranches
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.directory import claim_keys
from chalicelib.booking.practice.models import Branch, Resource, Service, Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice.store import KINDS, NOT_FOUND, Record
from chalicelib.booking.practice_admin import validation
from chalicelib.booking.practice_admin.compile_schedule import compile_schedule, recompiled
from chalicelib.core.clock import Clock, stamp
from chalicelib.core.errors import Conflict, Fault, NotFound, Stale, raise_faults
from chalicelib.core.jobs import JobContext
from chalicelib.core.phones import e164
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory

AT_ONCE = 20
"""Branches whose schedules change in the transaction that changes a service; those of the others follow by a job."""
R = TypeVar("R", Branch, Service, Staff, Resource)


def save(new_unit: UnitFactory, record: R, clock: Clock, path: str = "body") -> R:
    """Add or change a record, with the schedules that it changes; service number 0 becomes the next free one.

    `path`: where the record stands in the request. Raises Invalid with every fault, Conflict `stale_version` when the
    record is not the next version of what is stored, Conflict when a phone number or event type belongs to someone
    else. Two people changing different records of one branch at once both succeed. A service changes the schedules of
    the first `AT_ONCE` branches; those of the others follow within seconds, by a job.
    """
    kind, name = type(record), KINDS[type(record)]

    def attempt() -> R:
        unit = new_unit()
        saved: R
        saved, schedules = _EFFECTS[kind](unit, record, clock().date(), path)
        practice_store.save(unit, saved)
        for schedule in schedules:
            practice_store.save_schedule(unit, schedule)
            claim_keys(unit, schedule)
        touched = [schedule.branch.id for schedule in schedules]
        unit.publish(PracticeChanged(kind=name, record_id=saved.id, version=saved.version, branch_ids=touched))
        verb = "removed" if saved.deleted_at else "added" if saved.version == 1 else "changed"
        unit.audit(f"{name}.{verb}", saved.id, ("deleted_at",) if saved.deleted_at else ())
        try:
            unit.commit(saved)
        except Stale:
            current = practice_store.find(kind, unit.company_id, record.id)
            if (current.version if current else 0) != record.version - 1:
                raise stale_version(current or record) from None
            raise
        return saved

    return until_committed(attempt, "practice_busy", "Many are changing this branch at once; try again in a moment.")


def _with_branch(unit: Unit, branch: Branch, today: date, path: str) -> tuple[Branch, list[Schedule]]:
    if branch.phone:
        branch = replace(branch, phone=e164(branch.phone, branch.country, f"{path}.phone"))
    before = practice_store.schedules(unit.company_id, [branch.id]).get(branch.id)
    services = practice_store.all_of(Service, unit.company_id)
    _check(branch, validation.branch_faults(branch, {service.id for service in services}, path))
    if before is None:
        return branch, [compile_schedule(branch, services, (), (), today)]
    return branch, [recompiled(replace(before, branch=branch), services, today)]


def _with_staff(unit: Unit, member: Staff, today: date, path: str) -> tuple[Staff, list[Schedule]]:
    old = practice_store.find(Staff, unit.company_id, member.id)
    concerned = sorted({member.home_branch_id, *member.hours, *(old.hours if old else ())})
    found = practice_store.schedules(unit.company_id, concerned)
    services = practice_store.all_of(Service, unit.company_id)
    offered = [service for service in services if not service.deleted_at]
    open_branches = [branch_id for branch_id, schedule in found.items() if not schedule.branch.deleted_at]
    _check(member, validation.staff_faults(member, open_branches, offered, path))
    changed = [replace(one, staff=(*_others(one.staff, member), member)) for one in found.values()]
    return member, [recompiled(schedule, services, today) for schedule in changed]


def _with_resource(unit: Unit, resource: Resource, today: date, path: str) -> tuple[Resource, list[Schedule]]:
    _check(resource, validation.resource_faults(resource, path))
    before = practice_store.get_schedule(unit.company_id, resource.branch_id)
    services = practice_store.all_of(Service, unit.company_id)
    changed = replace(before, resources=(*_others(before.resources, resource), resource))
    return resource, [recompiled(changed, services, today)]


def _with_service(unit: Unit, service: Service, today: date, path: str) -> tuple[Service, list[Schedule]]:
    services = practice_store.all_of(Service, unit.company_id)
    branches = [branch for branch in practice_store.all_of(Branch, unit.company_id) if not branch.deleted_at]
    offered = [other for other in services if not other.deleted_at]
    staff = practice_store.all_of(Staff, unit.company_id) if service.skills else []
    _check(service, validation.service_faults(service, offered, staff, branches, path))
    if not service.number:
        service = replace(service, number=1 + max((one.number for one in services), default=0))
        practice_store.claim_number(unit, service.number)
    if len(branches) > AT_ONCE:
        unit.enqueue(RecompileBranches(company_id=unit.company_id, after=branches[AT_ONCE - 1].id))
    changed = [*_others(services, service), service]
    return service, _recompiled(unit.company_id, branches[:AT_ONCE], changed, today)


_EFFECTS: dict[type[Any], Callable[[Unit, Any, date, str], tuple[Any, list[Schedule]]]] = {
    Branch: _with_branch,
    Staff: _with_staff,
    Service: _with_service,
    Resource: _with_resource,
}
"""What saving a record of a kind comes to: the record as it is stored, and the schedules that change with it."""


def _others(records: Iterable[R], record: R) -> list[R]:
    return [other for other in records if other.id != record.id]


def _check(record: Record, faults: Iterable[Fault]) -> None:
    """Raise Invalid with every fault; what is deleted may name what is gone already."""
    if not record.deleted_at:
        raise_faults(faults)


def _recompiled(
    company_id: str, branches: Sequence[Branch], services: Sequence[Service], today: date
) -> list[Schedule]:
    found = practice_store.schedules(company_id, [branch.id for branch in branches]).values()
    return [recompiled(schedule, services, today) for schedule in found]


def recompile_branches(job: RecompileBranches, context: JobContext) -> None:
    """Compile the schedules of the branches after `job.after` anew, some at a time. Doing it twice changes nothing."""
    company_id = job.company_id
    branches = [b for b in practice_store.all_of(Branch, company_id) if not b.deleted_at and b.id > job.after]
    services = practice_store.all_of(Service, company_id)
    unit = context.unit(company_id)
    now, later = branches[:AT_ONCE], branches[AT_ONCE:]
    for schedule in _recompiled(company_id, now, services, context.clock().date()):
        practice_store.save_schedule(unit, schedule)
    if later:
        unit.enqueue(RecompileBranches(company_id=company_id, after=now[-1].id))
    if now:
        unit.commit()


def remove(new_unit: UnitFactory, kind: type[R], record_id: str, version: int | None, clock: Clock) -> None:
    """Delete a record softly; it is offered nowhere any more, and `restore` brings it back.

    Raises NotFound, Conflict `stale_version`, Conflict `has_appointments` while any of a branch, member of staff or
    resource lie ahead, and `part_of_package` while a service is sold in one.
    """
    company_id = new_unit().company_id
    record = practice_store.get(kind, company_id, record_id)
    if version is not None and version != record.version:
        raise stale_version(record)
    if kind in (Branch, Staff):
        _check_no_appointments(company_id, KINDS[kind], record_id, clock)
    if isinstance(record, Resource):
        _check_not_taken(record, clock)
    if kind is Service:
        _check_no_package(company_id, record_id)
    save(new_unit, replace(record, deleted_at=stamp(clock()), version=record.version + 1), clock)


def restore(new_unit: UnitFactory, kind: type[R], record_id: str, clock: Clock) -> R:
    """Bring back what was deleted; raises NotFound when nothing was."""
    record = practice_store.find(kind, new_unit().company_id, record_id)
    if record is None or not record.deleted_at:
        raise NotFound(NOT_FOUND[kind], f"There is no deleted {KINDS[kind]} {record_id}.")
    return save(new_unit, replace(record, deleted_at=None, version=record.version + 1), clock)


def _check_not_taken(resource: Resource, clock: Clock) -> None:
    """A room has no index of its appointments; its calendar has them all, two requests for as far as can be booked."""
    now = clock()
    calendar = calendar_store.read(owner_of(resource), now, now + FURTHEST)
    ahead = [e for e in calendar.entries() if e.blocks_until > now and (e.expires_at is None or e.expires_at > now)]
    if ahead:
        first = min(entry.start for entry in ahead)
        sentence = f"It is needed at {stamp(first)}, and maybe later; move or cancel that first."
        raise Conflict("has_appointments", sentence)


def _check_no_package(company_id: str, service_id: str) -> None:
    standing = (one for one in practice_store.all_of(Service, company_id) if not one.deleted_at)
    package = next((one for one in standing if any(part.service_id == service_id for part in one.parts)), None)
    if package is not None:
        sentence = f"It is a part of {package.name}: take it out of there first."
        raise Conflict("part_of_package", sentence, service_id=package.id)


def _check_no_appointments(company_id: str, by: str, record_id: str, clock: Clock) -> None:
    ahead = appointment_store.first_ahead(company_id, by, record_id, clock())
    if ahead is not None:
        sentence = f"Appointments lie ahead, the next at {stamp(ahead.starts_at)}; move or cancel them first."
        raise Conflict("has_appointments", sentence, appointment_id=ahead.id)


def stale_version(current: Record) -> Conflict:
    """The refusal of a change to something that someone else changed meanwhile; carries its newest version."""
    return Conflict(
        "stale_version", "Someone else changed it meanwhile; look at it again.", current_version=current.version
    )
