"""Working hours: weekly windows, other hours on a date, closed days, other zones while travelling."""

import msgspec

from chalicelib.booking.engine.clocks import DAY, day_start, instant, weekday
from chalicelib.booking.engine.windows import Window, continuous


class Travel(msgspec.Struct, frozen=True):
    """The local days, both included (`last` None: from then on), on which their hours are read on another clock."""

    first: int
    last: int | None
    zone: str


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """When someone or something is open, by the clock of `zone`.

    `weekly`: for each weekday from Monday any number of windows in minutes of the local day; past 1440 is past
    midnight. `overrides` replace them on a date, with no windows: closed. `closed`: closures and public holidays; what
    an evening before runs into such a day, or into one with hours of its own, ends at midnight, unless the windows are
    `exact`: then every date says itself how far it runs.
    """

    zone: str
    weekly: tuple[tuple[Window, ...], ...]
    overrides: tuple[tuple[int, tuple[Window, ...]], ...] = ()
    closed: frozenset[int] = frozenset()
    exact: bool = False
    travel: tuple[Travel, ...] = ()

    def zone_on(self, day: int) -> str:
        """The clock that counts on a day."""
        for stay in self.travel:
            if stay.first <= day and (stay.last is None or day <= stay.last):
                return stay.zone
        return self.zone


def opened(hours: Hours, first: int, last: int) -> list[Window]:
    """The open minutes (UTC) of the local days `first` to `last`, joined where they touch, in order."""
    return continuous(window for _, windows in by_day(hours, first, last) for window in windows)


def by_day(hours: Hours, first: int, last: int) -> list[tuple[int, list[Window]]]:
    """The same, day by day, each with the windows that begin on it."""
    special = dict(hours.overrides)
    found = []
    for day in range(first, last + 1):
        if day in hours.closed:
            continue
        windows = special.get(day, hours.weekly[weekday(day)])
        if not windows:
            continue
        cut = not hours.exact and (day + 1 in special or day + 1 in hours.closed)
        latest = DAY if cut else 3 * DAY
        zone = hours.zone_on(day)
        found.append((day, [_in_utc(zone, day, start, min(end, latest)) for start, end in windows if start < end]))
    return found


def _in_utc(zone: str, day: int, start: int, end: int) -> Window:
    midnight = day_start(zone, day)
    if day_start(zone, day + 1) - midnight == DAY and end <= DAY:
        # No change of the clock on this day, so that minutes of the day are minutes since midnight.
        return midnight + start, midnight + end
    return instant(zone, day, start), instant(zone, day, end)
