"""Availability minute by minute and by the definition, slow and plain, to hold the engine against."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from chalicelib.booking.engine.clocks import EPOCH_DAY, weekday
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window


def shown(zone: str, minute: int) -> int:
    """What the local clock shows, as minutes since 1970 of a clock that never changes."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return (local - datetime(1970, 1, 1)) // timedelta(minutes=1)


@lru_cache(maxsize=4096)
def first_shown(zone: str, wall: int) -> int:
    """The first minute at which the local clock shows at least `wall`."""
    minute = wall - 26 * 60
    while shown(zone, minute) < wall:
        minute += 1
    return minute


def open_minutes(hours: Hours, first_day: int, last_day: int) -> set[int]:
    """Every minute in which they work."""
    special = dict(hours.overrides)
    found: set[int] = set()
    for day in range(first_day, last_day + 1):
        if day in hours.closed:
            continue
        for start, end in special.get(day, hours.weekly[weekday(day)]):
            cut = day + 1 in special or day + 1 in hours.closed
            until = min(end, 1440) if cut else end
            midnight = (day - EPOCH_DAY) * 1440
            if start < end:
                zone = hours.zone_on(day)
                found.update(range(first_shown(zone, midnight + start), first_shown(zone, midnight + until)))
    return found


def taken_minutes(blocked: list[Window]) -> set[int]:
    """Every minute that is blocked."""
    return {minute for each in blocked for minute in range(*each)}


def fits(start: int, spec: SlotSpec, opened: set[int], taken: set[int]) -> bool:
    """Whether the appointment lies in the hours and what it blocks is clear."""
    blocked = range(start - spec.before, start + spec.duration + spec.after)
    return all(m in opened for m in range(start, start + spec.duration)) and not any(m in taken for m in blocked)
