"""Taking, freeing and changing the time of an appointment that exists already."""

from chalicelib.booking import calendars, practice_store
from chalicelib.booking.appointment import TAKES_TIME, Appointment
from chalicelib.booking.calendars import Calendar
from chalicelib.booking.occupancy import Entry, first_clash, weeks_between
from chalicelib.booking.practice import Staff
from chalicelib.booking.schedule import Schedule
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import fetch
from chalicelib.core.unit import Unit


def release_time(unit: Unit, schedule: Schedule, appointment: Appointment) -> None:
    """Stage that the appointment takes no time any more; nothing when it took none."""
    member = staff_of(schedule, appointment.staff_id)
    if member is None or appointment.status not in TAKES_TIME:
        return
    entry = appointment.entry()
    calendar = read_calendar(appointment.company_id, member, entry)
    calendars.free(unit, calendar, entry.reference, entry.days())


def change_time(unit: Unit, schedule: Schedule, old: Appointment, new: Appointment) -> bool:
    """Stage that `new` takes its time and `old` gives up its own; False, and only freed, when someone is in the way.

    Staff, time and length may all differ between the two.
    """
    before = staff_of(schedule, old.staff_id) if old.status in TAKES_TIME else None
    after = staff_of(schedule, new.staff_id) if new.status in TAKES_TIME else None
    if before and after and before.id == after.id:
        calendar = read_calendar(old.company_id, before, old.entry(), new.entry())
        if first_clash(calendar.days, new.entry(), unit.clock(), but=old.entry().reference):
            calendars.free(unit, calendar, old.entry().reference, old.entry().days())
            return False
        calendars.move(unit, calendar, old.entry(), new.entry(), unit.clock())
        return True
    if before:
        calendars.free(
            unit, read_calendar(old.company_id, before, old.entry()), old.entry().reference, old.entry().days()
        )
    if after is None:
        return new.status not in TAKES_TIME
    calendar = read_calendar(new.company_id, after, new.entry())
    if first_clash(calendar.days, new.entry(), unit.clock()):
        return False
    calendars.take(unit, calendar, new.entry(), unit.clock())
    return True


def read_calendar(company_id: str, member: Staff, *entries: Entry) -> Calendar:
    """The weeks of a member's calendar that the entries touch."""
    mondays = sorted({m for e in entries for m in weeks_between(e.blocks_from, e.blocks_until)})
    rows = fetch(calendars.keys(company_id, [member], mondays))
    return calendars.calendars(company_id, [member], mondays, rows)[0]


def staff_of(schedule: Schedule, staff_id: str | None) -> Staff | None:
    """The member of staff of that id."""
    return next((member for member in schedule.staff if member.id == staff_id), None)


def schedule_for(appointment: Appointment) -> Schedule:
    """The schedule of the appointment's branch, also of one that was closed for good since; raises NotFound."""
    found = practice_store.schedules(appointment.company_id, [appointment.branch_id])
    if not found:
        raise NotFound("branch_not_found", f"There is no branch {appointment.branch_id}.")
    return found[appointment.branch_id]
