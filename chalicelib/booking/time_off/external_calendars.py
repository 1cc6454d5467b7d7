"""Replacing, reading and removing what another calendar says is busy of a member of staff."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import Kind, repacked
from chalicelib.booking.calendar.owner import owner_of
from chalicelib.booking.engine.clocks import MINUTE
from chalicelib.booking.events import ExternalBusyChanged
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import Interval
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.time_off import external_busy
from chalicelib.core.clock import to_utc
from chalicelib.core.errors import invalid
from chalicelib.core.ids import id_from_bytes
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import UnitFactory

LONGEST = timedelta(days=62)


class Busy(msgspec.Struct, frozen=True):
    """What `source` says of the time from `first` to `last` (UTC). `conflicts`: ids of appointments in busy times."""

    source: str
    first: datetime
    last: datetime
    times: Sequence[Interval] = ()
    conflicts: Sequence[str] = ()


def window(first: datetime | None, last: datetime | None, now: datetime, path: str) -> Interval:
    """The time asked about: from now, 62 days, unless said. Raises Invalid about `path`.from or .to."""
    start = to_utc(first) if first else now.replace(second=0, microsecond=0)
    if abs(start - now) > FURTHEST:
        raise invalid(f"{path}.from", "too_far_ahead", "This is more than two years away.")
    end = to_utc(last) if last else start + LONGEST
    for name, at in (("from", start), ("to", end)):
        if at.second or at.microsecond:
            raise invalid(f"{path}.{name}", "not_a_minute", "This starts and ends on a whole minute.")
    if end <= start:
        raise invalid(f"{path}.to", "empty_range", "It ends after it starts.")
    if end - start > LONGEST:
        raise invalid(f"{path}.to", "too_long", "At most 62 days at once.")
    return start, end


def replace_busy(new_unit: UnitFactory, company_id: str, staff_id: str, busy: Busy) -> Busy:
    """Let the source say that exactly these times within `first` to `last` are busy; saying it again changes nothing.

    What is booked stays booked and is named in `conflicts` of what is returned. One read, one transaction for all
    weeks. Raises NotFound, Unavailable when the weeks are fought over for too long.
    """
    member = practice_store.get(Staff, company_id, staff_id)
    first, last, source = busy.first, busy.last, busy.source
    times = external_busy.merged(busy.times, first, last)
    new = external_busy.entries(source, times)

    def attempt() -> Busy:
        calendar = calendar_store.read(owner_of(member), first, last)
        gone, rest = external_busy.replaced(calendar.entries(), source, first, last)
        changed = repacked(calendar.days, gone, [*rest, *new])
        replaced = msgspec.structs.replace(busy, times=times, conflicts=_booked(calendar, times))
        unit = new_unit()
        if changed:
            calendar_store.rewrite(unit, calendar, changed)
            unit.publish(
                ExternalBusyChanged(staff_id=staff_id, source=source, starts_at=first, ends_at=last, count=len(times))
            )
            unit.audit("external_busy.replaced", staff_id, source=source)
        unit.commit(replaced)
        return replaced

    return until_committed(attempt, "calendar_busy", "Many are booking these days at once; try again in a moment.")


def read_busy(company_id: str, staff_id: str, source: str, within: Interval) -> Busy:
    """What `source` says of that time; raises NotFound."""
    member = practice_store.get(Staff, company_id, staff_id)
    calendar = calendar_store.read(owner_of(member), *within)
    times = external_busy.times(external_busy.of_source(calendar.entries(), source), *within)
    return Busy(source, *within, times, _booked(calendar, times))


def _booked(calendar: Calendar, times: Sequence[Interval]) -> list[str]:
    return sorted(
        id_from_bytes("apt", one.reference)
        for one in calendar.entries()
        if one.kind in (Kind.BOOKING, Kind.GROUP)
        and any(one.start < end and start < one.start + one.length_min * MINUTE for start, end in times)
    )
