"""Whether an appointment lies within working hours."""

from chalicelib.booking.calendar.entries import Entry
from chalicelib.booking.engine.clocks import day_of, minute_of
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.engine.windows import held_within
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.schedule import Schedule


def works(schedule: Schedule, member: Staff, entry: Entry) -> bool:
    """Whether the appointment itself lies within the member's working hours in this branch."""
    return within(schedule, schedule.hours_of(member), entry)


def within(schedule: Schedule, hours: Hours, entry: Entry) -> bool:
    """Whether the appointment itself lies within the hours."""
    start = minute_of(entry.start)
    day = day_of(schedule.branch.zone, start)
    return held_within((start, start + entry.length_min), opened(hours, day - 2, day + 2))
