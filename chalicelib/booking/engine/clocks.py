"""Local clocks against UTC: an instant is a whole minute since 1970 in UTC, a day its proleptic ordinal.

Where a clock skips a time, that time is the jump itself, so nothing lies in the hole; where it shows a time twice, the
first is meant. Days have 23, 24 or 25 hours, or another length, whatever the zone's history says.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 1440
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1)
EPOCH_DAY = EPOCH.toordinal()


def minute_of(moment: datetime) -> int:
    """The minute in which an aware moment lies."""
    return int(moment.timestamp() // 60)


def moment_of(minute: int) -> datetime:
    """A minute as an aware datetime in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)


def utc_midnight(day: int) -> int:
    """The minute at which a day begins in UTC."""
    return (day - EPOCH_DAY) * DAY


@lru_cache(maxsize=16_384)
def instant(zone: str, day: int, minute: int) -> int:
    """The minute at which the clock of `zone` shows `minute` (may be over 1440) of the local `day`."""
    clock = ZoneInfo(zone)
    wall = datetime.fromordinal(day) + timedelta(minutes=minute)
    naive = (wall - EPOCH) // MINUTE
    before = _offset(wall.replace(tzinfo=clock))
    after = _offset(wall.replace(tzinfo=clock, fold=1))
    if after <= before:
        return naive - before
    return _jump(clock, naive - after, naive - before)


def day_start(zone: str, day: int) -> int:
    """The first minute of a local day; where midnight is skipped, the jump."""
    return instant(zone, day, 0)


def day_of(zone: str, minute: int) -> int:
    """The local day in which a minute lies."""
    return datetime.fromtimestamp(minute * 60, ZoneInfo(zone)).toordinal()


def weekday(day: int) -> int:
    """0 = Monday."""
    return (day + 6) % 7


@lru_cache(maxsize=1024)
def phase(zone: str, first_day: int, last_day: int, step: int) -> int | None:
    """Where, modulo `step`, the local clock's multiples of `step` (a divisor of an hour) lie among UTC's minutes.

    None when the zone changes its clock in these days by something that is not a multiple of `step`.
    """
    phases = {-offset_at(zone, day_start(zone, day)) % step for day in range(first_day, last_day + 2)}
    return phases.pop() if len(phases) == 1 else None


def offset_at(zone: str, minute: int) -> int:
    """How many minutes the local clock is ahead of UTC."""
    return _offset(datetime.fromtimestamp(minute * 60, ZoneInfo(zone)))


def _offset(moment: datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return offset // MINUTE


def _jump(clock: ZoneInfo, earlier: int, later: int) -> int:
    """The first minute after `earlier`, at most `later`, from which the clock goes ahead."""
    ahead = _offset(datetime.fromtimestamp(later * 60, clock))
    while later - earlier > 1:
        middle = (earlier + later) // 2
        if _offset(datetime.fromtimestamp(middle * 60, clock)) == ahead:
            later = middle
        else:
            earlier = middle
    return later
