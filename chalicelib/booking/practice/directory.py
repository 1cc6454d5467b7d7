"""Global keys of a practice: branches by id, called numbers and Cal.com event types lead to the branch."""

from chalicelib.booking.practice.models import PHONE, PUBLIC_BRANCH
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.core import directory
from chalicelib.core.directory import Claim
from chalicelib.core.errors import Conflict
from chalicelib.core.unit import Unit

CALCOM_EVENT_TYPE = "calcom_event_type"
"""The kind of directory key under which an event type of Cal.com leads to the service, and the staff, that it books."""


def claim_keys(unit: Unit, schedule: Schedule) -> None:
    """Stage the keys of a branch; the commit raises Conflict when someone else has one of them."""
    branch = schedule.branch
    taken = Conflict("branch_taken", "This id belongs elsewhere.")
    directory.claim(unit, Claim(PUBLIC_BRANCH, branch.id, branch.id), taken)
    if branch.phone:
        taken = Conflict("phone_taken", f"{branch.phone} belongs to another company or branch.")
        directory.claim(unit, Claim(PHONE, branch.phone, branch.id), taken)
    for service in schedule.services:
        for whose, event_type in service.calcom_event_types.items():
            if not any(whose in ("*", member.id) for member in schedule.staff):
                continue
            taken = Conflict("event_type_taken", f"The Cal.com event type {event_type} is in use elsewhere.")
            data = {"branch_id": branch.id, "service_id": service.id} | ({} if whose == "*" else {"staff_id": whose})
            claim = Claim(CALCOM_EVENT_TYPE, str(event_type), f"{branch.id}/{service.id}", data)
            directory.claim(unit, claim, taken)
