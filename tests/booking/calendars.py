"""What lies in calendars, read back by tests."""

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.practice.models import Staff


def read_calendar(company_id: str, member: Staff, *entries: Entry) -> Calendar:
    """The weeks of a member's calendar that the entries touch."""
    owner = (member.home_branch_id, member.id)
    return time_swap.read_calendars(company_id, {owner: entries})[owner]
