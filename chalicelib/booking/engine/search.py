"""The search for free starts: hours and what is taken as bitmaps, a team's put together, then the rules."""

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import and_

import msgspec
from msgspec.structs import replace

from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import day_of, phase
from chalicelib.booking.engine.hours import Hours, by_day, opened
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host
from chalicelib.booking.engine.starts import SlotSpec, aligned, opening_grid
from chalicelib.booking.engine.windows import Window, common, of_team


class Found(msgspec.Struct, frozen=True):
    """The free starts, in order; `away`: those on a day on which the only host is out of office."""

    starts: list[int]
    away: list[int] = []


class Opened(msgspec.Struct, frozen=True):
    """Hours within the frame: their windows, the open minutes, and where an appointment would fit into them."""

    windows: tuple[Window, ...]
    minutes: int
    fit: int


class Prepared(msgspec.Struct, frozen=True):
    """What all hosts have in common: the grid if it is the clock's own, and where the rules allow a start at all."""

    grid: int | None
    allowed: int


def search(query: AvailabilityQuery, frame: Frame) -> Found:
    """Every start within what is asked at which the hosts, together, are free."""
    return _found(query, frame, _opens(query, frame), _prepared(query, frame))


def search_each(query: AvailabilityQuery, frame: Frame) -> dict[str, Found]:
    """The same for each host alone, by id."""
    prepared, opens = _prepared(query, frame), _opens(query, frame)
    return {
        host.id: _found(replace(query, hosts=(host,), assignment="single"), frame, [hours], prepared)
        for host, hours in zip(query.hosts, opens, strict=True)
    }


def fits(host: Host, spec: SlotSpec, frame: Frame) -> int:
    """A bit at every minute at which the appointment would fit one host alone, whatever the grid and the rules."""
    return _fit(host, opened_in(host.hours, frame, spec.duration), spec, frame)


def _found(query: AvailabilityQuery, frame: Frame, opens: Sequence[Opened], prepared: Prepared) -> Found:
    spec, grid = query.spec, prepared.grid
    if grid is not None or spec.alignment == "opening":
        fits = [_fit(host, hours, spec, frame) for host, hours in zip(query.hosts, opens, strict=True)]
        starts = _together(query, fits) & grid if grid is not None else _from_openings(query, frame, opens, fits)
    else:
        starts = 0
        for start in aligned(_stretches(query, frame, opens), spec, query.viewer):
            starts |= 1 << (start - frame.origin)
    return _by_rules(query, bits.ones(starts & prepared.allowed, frame.origin))


def _prepared(query: AvailabilityQuery, frame: Frame) -> Prepared:
    return Prepared(_plain_grid(query, frame), _allowed(query, frame))


def _opens(query: AvailabilityQuery, frame: Frame) -> list[Opened]:
    # Staff who share their hours share the work on them.
    seen: dict[int, Opened] = {}
    duration, while_away = query.spec.duration, not query.is_team
    for host in query.hosts:
        if id(host.hours) not in seen:
            seen[id(host.hours)] = opened_in(host.hours, frame, duration, while_away=while_away)
    return [seen[id(host.hours)] for host in query.hosts]


@lru_cache(maxsize=256)
def opened_in(hours: Hours, frame: Frame, duration: int, *, while_away: bool = False) -> Opened:
    """What of the frame the hours open to something so long; kept, since hours change far less than what is taken."""
    # Local days are up to 14 hours off.
    windows = tuple(opened(hours, frame.first - 1, frame.first + frame.days, while_away=while_away))
    minutes = bits.mask(windows, frame.origin, frame.size)
    return Opened(windows, minutes, bits.runs(minutes, duration))


def _fit(host: Host, hours: Opened, spec: SlotSpec, frame: Frame) -> int:
    """Where the appointment fits into the host's hours and what it blocks is clear of what is taken."""
    fit = hours.fit
    if host.unavailable:
        fit = bits.runs(hours.minutes & ~bits.mask(host.unavailable, frame.origin, frame.size), spec.duration)
    if host.busy:
        # One run of free minutes as long as what it blocks; it begins `before` minutes ahead of the start.
        free = bits.full(frame.size) ^ host.busy
        fit &= bits.runs(free, spec.before + spec.duration + spec.after) << spec.before
    return fit


def _room(host: Host, hours: Opened, spec: SlotSpec, frame: Frame, within: int) -> int:
    """The minutes of `asked` in which the appointment itself may lie."""
    taken = bits.widened(host.busy, spec.after, spec.before) | bits.mask(host.unavailable, frame.origin, frame.size)
    return hours.minutes & ~taken & within


def _plain_grid(query: AvailabilityQuery, frame: Frame) -> int | None:
    if not query.spec.plain:
        return None
    step = query.spec.step
    at = phase(query.viewer, frame.first + 1, frame.first + frame.days - 1, step)
    return None if at is None else bits.every(step, (at - frame.origin) % step, frame.size)


def stretches(query: AvailabilityQuery, frame: Frame) -> list[Window]:
    """The stretches of free time in which an appointment may lie; those of different hosts are not joined up."""
    return _stretches(query, frame, _opens(query, frame))


def _stretches(query: AvailabilityQuery, frame: Frame, opens: Sequence[Opened]) -> list[Window]:
    within = bits.mask([(query.earliest, query.last)], frame.origin, frame.size)
    rooms = [_room(host, hours, query.spec, frame, within) for host, hours in zip(query.hosts, opens, strict=True)]
    free = [bits.spans(room, frame.origin) for room in rooms]
    if not query.is_team:
        return free[0]
    hosts = [(windows, host.fixed, host.group) for windows, host in zip(free, query.hosts, strict=True)]
    return of_team(hosts, query.everyone)


def _from_openings(query: AvailabilityQuery, frame: Frame, opens: Sequence[Opened], fits: Sequence[int]) -> int:
    spec = query.spec
    if query.everyone:
        together = common([hours.windows for hours in opens])
        return _together(query, fits) & opening_grid(together, spec, frame.origin, frame.size)
    grids = [opening_grid(hours.windows, spec, frame.origin, frame.size) for hours in opens]
    return _together(query, [fit & grid for fit, grid in zip(fits, grids, strict=True)])


def _together(query: AvailabilityQuery, fits: Sequence[int]) -> int:
    """Where all who must be there are free, and of each group of the others one."""
    if query.everyone:
        return reduce(and_, fits)
    needed, groups = [], dict[str | None, int]()
    for host, fit in zip(query.hosts, fits, strict=True):
        if host.fixed:
            needed.append(fit)
        else:
            groups[host.group] = groups.get(host.group, 0) | fit
    return reduce(and_, [*needed, *groups.values()])


def _allowed(query: AvailabilityQuery, frame: Frame) -> int:
    """Every start within what is asked, but for what is held, restricted, too soon, or too early in the day."""
    rules, duration = query.rules, query.spec.duration
    allowed = bits.mask([(query.earliest, query.last - duration + 1)], frame.origin, frame.size)
    if rules.restriction:
        allowed &= opened_in(rules.restriction, frame, duration).fit
    if rules.held:
        allowed &= ~bits.widened(bits.mask(rules.held, frame.origin, frame.size), duration - 1, 0)
    if rules.opening_pause:
        allowed &= ~bits.mask(pauses(query, frame), frame.origin, frame.size)
    return allowed


def pauses(query: AvailabilityQuery, frame: Frame) -> list[Window]:
    """The first minutes of each day, in which nothing starts."""
    days = by_day(query.hosts[0].hours, frame.first - 1, frame.first + frame.days)
    openings = [min(windows)[0] for _, windows in days]
    return [(start, start + query.rules.opening_pause) for start in openings]


def _by_rules(query: AvailabilityQuery, starts: list[int]) -> Found:
    rules = query.rules
    if rules.first_of_day:
        starts = list({query.viewer_day(start): start for start in reversed(starts)}.values())[::-1]
    if rules.period:
        bookable = {query.viewer_day(start) for start in starts} if rules.period.kind == "rolling_window" else ()
        today = query.viewer_day(query.now // 60_000)
        begins, ends = rules.period.bounds(today, query.zone, query.viewer, bookable)
        starts = [start for start in starts if begins <= start < ends]
    if starts and not query.notice_kept(starts[0]):
        starts = [start for start in starts if query.notice_kept(start)]
    if rules.advance is not None:
        starts = [start for start in starts if query.near_enough(start)]
    if query.days:
        first, last = query.days
        starts = [start for start in starts if first <= query.viewer_day(start) <= last]
    hours = query.hosts[0].hours
    if query.is_team or not hours.away:
        return Found(starts)
    away = [start for start in starts if day_of(hours.zone, start) in hours.away]
    return Found([start for start in starts if start not in away], away)
