"""Whose a calendar is."""

import msgspec

from chalicelib.booking.practice.models import Resource, Staff


class CalendarOwner(msgspec.Struct, frozen=True):
    """A member of staff, a room or a device. The calendar lies in the home branch, wherever its owner is needed.

    Whoever has left the practice, or the branch, since still has theirs.
    """

    company_id: str
    home_branch_id: str
    id: str


def owner_of(record: Staff | Resource) -> CalendarOwner:
    """The owner of the calendar of a member of staff, a room or a device."""
    home = record.branch_id if isinstance(record, Resource) else record.home_branch_id
    return CalendarOwner(record.company_id, home, record.id)
