"""Free times, computed on bitmaps: a Python int per calendar, one bit a minute, whole ranges by shift and mask."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec

from chalicelib.booking.hours import local_instant
from chalicelib.booking.occupancy import Entry
from chalicelib.booking.practice import Service, Staff
from chalicelib.booking.schedule import Schedule

MINUTE = timedelta(minutes=1)


class Slot(msgspec.Struct, frozen=True):
    """A bookable time with the member of staff who is free; UTC."""

    starts_at: datetime
    ends_at: datetime
    staff: Staff


def free_slots(
    schedule: Schedule,
    service: Service,
    member: Staff,
    days: Sequence[date],
    taken: Iterable[Entry],
    now: datetime,
    but: bytes = b"",
) -> Iterator[Slot]:
    """The free starts of `service` with `member` on the local `days`, on the service's grid from local midnight.

    The appointment itself fits into the working hours; its buffers need not. `but` is one's own entry, when moving.
    """
    if not days:
        return
    clock = schedule.branch.clock()
    margin = timedelta(minutes=service.buffer_before_min)
    origin = local_instant(days[0], 0, clock) - margin
    end = local_instant(days[-1] + timedelta(days=1), 0, clock)
    # A night shift starts the evening before, so the day ahead of the first counts as well.
    windows = [w for n in range(-1, len(days)) for w in schedule.windows(member, days[0] + timedelta(days=n))]
    opened = _mask(windows, origin)
    starts = _runs(opened, service.duration_min) & _unblocked(service, taken, origin, end, now, but)
    length = timedelta(minutes=service.duration_min)
    for day in days:
        for start in _grid(day, schedule, service):
            if start > now and start >= origin + margin and starts >> _minutes(start - origin) & 1:
                yield Slot(start, start + length, member)


def _unblocked(
    service: Service, taken: Iterable[Entry], origin: datetime, end: datetime, now: datetime, but: bytes
) -> int:
    """A bit for every minute at which the service could start without its footprint touching what is taken."""
    longest = service.buffer_before_min + service.duration_min + service.buffer_after_min
    size = _minutes(end - origin) + longest + service.duration_min
    held = [e for e in taken if e.reference != but and (e.expires_at is None or e.expires_at > now)]
    busy = _mask(((e.blocks_from, e.blocks_until) for e in held), origin)
    free = ((1 << size) - 1) & ~busy
    # A run that starts `before` minutes ahead of the appointment, moved to the appointment's own start.
    return _runs(free, longest) << service.buffer_before_min


def _mask(intervals: Iterable[tuple[datetime, datetime]], origin: datetime) -> int:
    bits = 0
    for start, end in intervals:
        first = max(_minutes(start - origin), 0)
        length = _minutes(end - origin) - first
        if length > 0:
            bits |= ((1 << length) - 1) << first
    return bits


def _runs(bits: int, length: int) -> int:
    """A bit wherever `length` set bits begin, in log2(length) steps."""
    have = 1
    while have < length and bits:
        step = min(have, length - have)
        bits &= bits >> step
        have += step
    return bits


def _minutes(span: timedelta) -> int:
    return span // MINUTE


def _grid(day: date, schedule: Schedule, service: Service) -> Iterator[datetime]:
    # From midnight to midnight in real minutes, so that a day of 23 or 25 hours has as many starts as it has time.
    clock = schedule.branch.clock()
    start = local_instant(day, 0, clock)
    end = local_instant(day + timedelta(days=1), 0, clock)
    step = timedelta(minutes=service.slot_interval_min)
    while start < end:
        yield start
        start += step


def nearest(slots: Iterable[Slot], wanted: datetime, count: int) -> list[Slot]:
    """The `count` slots closest to `wanted`, one per instant, in order of time."""
    by_start: dict[datetime, Slot] = {}
    for slot in slots:
        by_start.setdefault(slot.starts_at, slot)
    closest = sorted(by_start.values(), key=lambda slot: (abs(slot.starts_at - wanted), slot.starts_at))[:count]
    return sorted(closest, key=lambda slot: slot.starts_at)
