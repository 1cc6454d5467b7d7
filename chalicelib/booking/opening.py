"""Setting up a practice: its branches, services and staff, compiled into one schedule per branch."""

from collections.abc import Callable, Sequence

from chalicelib.booking import calcom_booking, store
from chalicelib.booking.practice import PHONE, Branch, Schedule, Service, Staff, check_windows, check_zone
from chalicelib.booking.telephone import check_quiet_hours, check_routing
from chalicelib.core import directory
from chalicelib.core.errors import Conflict, invalid
from chalicelib.core.unit import Unit


def save_practice(
    begin: Callable[[], Unit], branches: Sequence[Branch], services: Sequence[Service], staff: Sequence[Staff]
) -> list[Schedule]:
    """Write a whole practice, replacing what has the same ids, in one transaction; returns the schedules.

    Called numbers and Cal.com event types become the company's; Conflict when another company has one. Raises Invalid
    for unknown zones, windows that are empty or overlap, and staff who do what nobody offers.
    """
    _check(branches, services, staff)
    unit = begin()
    store.save_practice(unit, [*branches, *services, *staff])
    schedules = [compile_schedule(branch, services, staff) for branch in branches]
    for schedule in schedules:
        store.save_schedule(unit, schedule)
        _claim(unit, schedule)
    unit.audit("practice.saved", unit.company_id, ("branches", "services", "staff"))
    unit.commit()
    return schedules


def compile_schedule(branch: Branch, services: Sequence[Service], staff: Sequence[Staff]) -> Schedule:
    """What the branch offers: those who work there, and the services that one of them does."""
    here = tuple(member for member in staff if branch.id in member.hours)
    done = {service_id for member in here for service_id in member.service_ids}
    return Schedule(branch=branch, services=tuple(s for s in services if s.id in done), staff=here)


def _check(branches: Sequence[Branch], services: Sequence[Service], staff: Sequence[Staff]) -> None:
    for branch in branches:
        check_zone(branch.zone, f"branches.{branch.id}.zone")
        check_windows(branch.hours, f"branches.{branch.id}.hours")
        check_routing(branch.call_routing, f"branches.{branch.id}.call_routing")
        check_quiet_hours(branch.quiet_hours, branch.country, f"branches.{branch.id}.quiet_hours")
    offered = {service.id for service in services}
    for member in staff:
        for branch_id, windows in member.hours.items():
            check_windows(windows, f"staff.{member.id}.hours.{branch_id}")
        unknown = set(member.service_ids) - offered
        if unknown:
            raise invalid(f"staff.{member.id}.service_ids", "unknown_service", f"Nobody offers {sorted(unknown)[0]}.")


def _claim(unit: Unit, schedule: Schedule) -> None:
    branch = schedule.branch
    if branch.phone:
        taken = Conflict("phone_taken", f"{branch.phone} belongs to another company or branch.")
        directory.claim(unit, PHONE, branch.phone, branch.id, taken)
    for service in schedule.services:
        for whose, event_type in service.calcom_event_types.items():
            if not any(whose in ("*", member.id) for member in schedule.staff):
                continue
            taken = Conflict("event_type_taken", f"The Cal.com event type {event_type} is in use elsewhere.")
            data = {"branch_id": branch.id, "service_id": service.id}
            record = f"{branch.id}/{service.id}"
            directory.claim(
                unit,
                calcom_booking.EVENT_TYPE,
                str(event_type),
                record,
                taken,
                data=data if whose == "*" else {**data, "staff_id": whose},
            )
