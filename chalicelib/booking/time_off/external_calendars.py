"""Replacing, reading and removing what another calendar says is busy of a member of staff."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.calendar.entries import MINUTE, Kind, repacked, weeks_between
from chalicelib.booking.calendar.store import Calendar
from chalicelib.booking.events import ExternalBusyChanged
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.hours import Interval
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.policy import FURTHEST
from chalicelib.booking.time_off import external_busy
from chalicelib.core.clock import Clock, to_utc
from chalicelib.core.errors import Stale, Unavailable, invalid
from chalicelib.core.ids import id_from_bytes
from chalicelib.core.tables import fetch
from chalicelib.core.unit import UnitFactory

LONGEST = timedelta(days=62)
TRIES = 24


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """What `source` says of the time from `first` to `last` (UTC). `conflicts`: ids of appointments in busy times."""

    source: str
    first: datetime
    last: datetime
    times: Sequence[Interval]
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


def replace_busy(
    new_unit: UnitFactory,
    company_id: str,
    staff_id: str,
    source: str,
    within: Interval,
    busy: Sequence[Interval],
    clock: Clock,
) -> Busy:
    """Let `source` say that exactly these times within `within` are busy; saying it again changes nothing.

    What is booked stays booked and is named in `conflicts`. One read, one transaction for all weeks. Raises NotFound,
    Unavailable when the weeks are fought over for too long.
    """
    member = practice_store.get(Staff, company_id, staff_id)
    first, last = within
    times = external_busy.merged(busy, first, last)
    new = external_busy.entries(source, times)
    for _ in range(TRIES):
        calendar = _calendar(member, within)
        gone, rest = external_busy.replaced(calendar.entries(), source, first, last)
        changed = repacked(calendar.days, gone, [*rest, *new])
        said = Busy(source=source, first=first, last=last, times=times, conflicts=_booked(calendar, times))
        unit = new_unit()
        if changed:
            calendar_store.rewrite(unit, calendar, changed)
            unit.publish(
                ExternalBusyChanged(staff_id=staff_id, source=source, starts_at=first, ends_at=last, count=len(times))
            )
            unit.audit("external_busy.replaced", staff_id, source=source)
        try:
            unit.commit(said)
            return said
        except Stale:
            continue
    raise Unavailable("calendar_busy", "Many are booking these days at once; try again in a moment.")


def read_busy(company_id: str, staff_id: str, source: str, within: Interval) -> Busy:
    """What `source` says of that time; raises NotFound."""
    member = practice_store.get(Staff, company_id, staff_id)
    calendar = _calendar(member, within)
    times = external_busy.times(external_busy.of_source(calendar.entries(), source), *within)
    return Busy(source=source, first=within[0], last=within[1], times=times, conflicts=_booked(calendar, times))


def _calendar(member: Staff, within: Interval) -> Calendar:
    mondays = weeks_between(within[0], within[1] - MINUTE)
    rows = fetch(calendar_store.keys(member.company_id, [member], mondays))
    return calendar_store.calendars(member.company_id, [member], mondays, rows)[0]


def _booked(calendar: Calendar, times: Sequence[Interval]) -> list[str]:
    return sorted(
        id_from_bytes("apt", one.reference)
        for one in calendar.entries()
        if one.kind in (Kind.BOOKING, Kind.GROUP)
        and any(one.start < end and start < one.start + one.length_min * MINUTE for start, end in times)
    )
