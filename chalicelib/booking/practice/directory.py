"""Global keys of a practice: branches by id, called numbers and what providers book lead to the branch."""

from chalicelib.booking.practice.models import ANYONE, PHONE, PUBLIC_BRANCH
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core import directory, reference_store
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit


def claim_keys(unit: Unit, schedule: Schedule) -> None:
    """Stage the keys of a branch; the commit raises Conflict when someone else has one of them."""
    branch = schedule.branch
    taken = Conflict("branch_taken", "This id belongs elsewhere.")
    directory.claim(unit, Claim(PUBLIC_BRANCH, branch.id, branch.id), taken)
    if branch.phone:
        taken = Conflict("phone_taken", f"{branch.phone} belongs to another company or branch.")
        directory.claim(unit, Claim(PHONE, branch.phone, branch.id), taken)
    for service in schedule.services:
        for each in service.references:
            if not any(each.part in (ANYONE, member.id) for member in schedule.staff):
                continue
            taken = Conflict("event_type_taken", f"The event type {each.id} ({each.connection}) is in use elsewhere.")
            whose = {} if each.part == ANYONE else {"staff_id": each.part}
            data = {"branch_id": branch.id, "service_id": service.id} | whose
            reference_store.claim(unit, each, f"{branch.id}/{service.id}", taken, data)
