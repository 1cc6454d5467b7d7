"""The search for starts at which a team is free: the engine's bitmaps of each put together, then the peers' rules."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

import msgspec
from msgspec.structs import replace

from benchmarks.peers.query import TeamHost, TeamQuery
from benchmarks.peers.starts import aligned
from benchmarks.peers.windows import of_team
from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import day_of
from chalicelib.booking.engine.hours import by_day
from chalicelib.booking.engine.query import Frame
from chalicelib.booking.engine.search import fits, opened_in, plain_grid, stretches
from chalicelib.booking.engine.starts import opening_grid
from chalicelib.booking.engine.windows import Window, common


class Found(msgspec.Struct, frozen=True):
    """The free starts, in order; `away`: those on a day on which the only host is out of office."""

    starts: list[int]
    away: list[int] = []


def search(query: TeamQuery, frame: Frame) -> Found:
    """Every start within what is asked at which the hosts, together, are free."""
    hosts, grid = _present(query), plain_grid(query, frame)
    if grid is not None:
        starts = _together(query, [fits(host, query.spec, frame) for host in hosts]) & grid
    elif query.spec.alignment == "opening":
        starts = _from_openings(query, hosts, frame)
    else:
        starts = 0
        for start in aligned(team_stretches(query, frame), query.spec, query.viewer):
            starts |= 1 << (start - frame.origin)
    return _by_rules(query, bits.ones(starts & _allowed(query, frame), frame.origin))


def team_stretches(query: TeamQuery, frame: Frame) -> list[Window]:
    """The stretches of free time in which an appointment may lie; those of different hosts are not joined up."""
    hosts = _present(query)
    free = [stretches(query, host, frame) for host in hosts]
    if not query.is_team:
        return free[0]
    named = [(windows, host.fixed, host.group) for windows, host in zip(free, hosts, strict=True)]
    return of_team(named, query.everyone)


def _present(query: TeamQuery) -> Sequence[TeamHost]:
    """The hosts as the engine sees them: who is out of office is missed in a team, and shown as away alone."""
    if not query.is_team:
        return query.hosts
    return [replace(h, hours=replace(h.hours, closed=h.hours.closed | h.away)) if h.away else h for h in query.hosts]


def _from_openings(query: TeamQuery, hosts: Sequence[TeamHost], frame: Frame) -> int:
    spec = query.spec
    found = [fits(host, spec, frame) for host in hosts]
    opens = [opened_in(host.hours, frame, spec.duration).windows for host in hosts]
    if query.everyone:
        return _together(query, found) & opening_grid(common(opens), spec, frame.origin, frame.size)
    grids = [opening_grid(windows, spec, frame.origin, frame.size) for windows in opens]
    return _together(query, [fit & grid for fit, grid in zip(found, grids, strict=True)])


def _together(query: TeamQuery, found: Sequence[int]) -> int:
    """Where all who must be there are free, and of each group of the others one."""
    if query.everyone:
        return reduce(and_, found)
    needed, groups = [], dict[str | None, int]()
    for host, fit in zip(query.hosts, found, strict=True):
        if host.fixed:
            needed.append(fit)
        else:
            groups[host.group] = groups.get(host.group, 0) | fit
    return reduce(and_, [*needed, *groups.values()])


def _allowed(query: TeamQuery, frame: Frame) -> int:
    """Every start within what is asked, but for what is held, restricted, too soon, or too early in the day."""
    rules, duration = query.rules, query.spec.duration
    allowed = bits.mask([(query.earliest, query.last - duration + 1)], frame.origin, frame.size)
    if rules.restriction:
        allowed &= opened_in(rules.restriction, frame, duration).fit
    if rules.held:
        allowed &= ~bits.widened(bits.mask(rules.held, frame.origin, frame.size), duration - 1, 0)
    if rules.opening_pause:
        allowed &= ~bits.mask(_pauses(query, frame), frame.origin, frame.size)
    return allowed


def _pauses(query: TeamQuery, frame: Frame) -> list[Window]:
    """The first minutes of each day, in which nothing starts."""
    first = query.hosts[0]
    closed = replace(first.hours, closed=first.hours.closed | first.away)
    openings = [min(windows)[0] for _, windows in by_day(closed, frame.first - 1, frame.first + frame.days)]
    return [(start, start + query.rules.opening_pause) for start in openings]


def _by_rules(query: TeamQuery, starts: list[int]) -> Found:
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
    host = query.hosts[0]
    if query.is_team or not host.away:
        return Found(starts)
    away = [start for start in starts if day_of(host.hours.zone, start) in host.away]
    return Found([start for start in starts if start not in away], away)
