"""Setting up a practice as a whole: its branches, services and staff, compiled into one schedule per branch."""

from collections.abc import Sequence

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.directory import claim_keys
from chalicelib.booking.practice.models import Branch, Resource, Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.practice_admin import validation
from chalicelib.booking.practice_admin.compile_schedule import compile_schedule
from chalicelib.core.errors import raise_faults
from chalicelib.core.unit import UnitFactory


def save_practice(
    new_unit: UnitFactory,
    branches: Sequence[Branch],
    services: Sequence[Service],
    staff: Sequence[Staff],
    resources: Sequence[Resource] = (),
) -> list[Schedule]:
    """Write a whole practice, replacing what has the same ids, in one transaction; returns the schedules.

    Called numbers and what providers book become the company's; Conflict when another company has one. Raises Invalid
    for unknown zones, windows that are empty or overlap, and staff who do what nobody offers.
    """
    _check(branches, services, staff, resources)
    unit = new_unit()
    today = unit.clock().date()
    schedules = [compile_schedule(branch, services, staff, resources, today) for branch in branches]
    practice_store.overwrite(unit, [*branches, *services, *staff, *resources], schedules)
    for schedule in schedules:
        claim_keys(unit, schedule)
    unit.audit("practice.saved", unit.company_id, ("branches", "services", "staff"))
    unit.commit()
    return schedules


def _check(
    branches: Sequence[Branch], services: Sequence[Service], staff: Sequence[Staff], resources: Sequence[Resource]
) -> None:
    offered = {service.id for service in services}
    ids = [branch.id for branch in branches]
    raise_faults(
        [
            *(fault for b in branches for fault in validation.branch_faults(b, offered, f"branches.{b.id}")),
            *(
                fault
                for s in services
                for fault in validation.service_faults(s, services, staff, branches, f"services.{s.id}")
            ),
            *(fault for m in staff for fault in validation.staff_faults(m, ids, services, f"staff.{m.id}")),
            *(fault for r in resources for fault in validation.resource_faults(r, f"resources.{r.id}")),
        ]
    )
