"""Whom a visitor is led to: the one who knows them, those a form chose, the one whom they had before."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from benchmarks.peers.query import TeamHost, TeamQuery
from benchmarks.peers.search import Found, search, team_stretches
from chalicelib.booking.engine.clocks import DAY
from chalicelib.booking.engine.query import Frame

PATIENCE = 14 * DAY
"""Whoever has nothing free within two weeks is not waited for."""


class Choice(msgspec.Struct, frozen=True):
    """The hosts to try first, and all of whom one may step in for them."""

    first: tuple[TeamHost, ...]
    others: tuple[TeamHost, ...] = ()


def choose(
    hosts: Sequence[TeamHost], preferred: str | None = None, routed: Sequence[str] = (), before: str | None = None
) -> Choice:
    """Among hosts that take turns: who had the appointment `before`, unless it is routed anew; else `preferred`.

    Each wish that nobody fulfils is left out of account, so that there is always someone.
    """
    had_it = [host for host in hosts if host.id == before and not routed]
    if len(had_it) == 1 or len(hosts) == 1:
        return Choice(tuple(had_it or hosts))
    chosen = tuple(host for host in hosts if host.id in routed) or tuple(hosts)
    owner = tuple(host for host in hosts if host.id == preferred)
    if not owner:
        return Choice(chosen)
    return Choice(owner, chosen if owner[0] in chosen else (*chosen, *owner))


def search_routed(query: TeamQuery, choice: Choice, frame: Frame) -> Found:
    """The starts of those to try first; of everyone who may step in, when they have nothing within two weeks.

    The frame must reach from now to two weeks on as well.
    """
    fixed = tuple(host for host in query.hosts if host.fixed)
    narrowed = replace(query, hosts=(*choice.first, *fixed))
    if len(choice.others) > len(choice.first) and not _soon_enough(narrowed, frame):
        narrowed = replace(query, hosts=(*choice.others, *fixed))
    return search(narrowed, frame)


def _soon_enough(query: TeamQuery, frame: Frame) -> bool:
    until = query.now // 60_000 + PATIENCE
    if max(query.first, query.soonest) < until:
        first = _first_free(query, frame, query.soonest, max(query.last, until))
        return first is not None and first < until + DAY
    if _first_free(query, frame, query.first, query.last) is not None:
        return True
    return _first_free(query, frame, query.soonest, until) is not None


def _first_free(query: TeamQuery, frame: Frame, first: int, last: int) -> int | None:
    free = team_stretches(replace(query, first=first, last=last), frame)
    return free[0][0] if free else None
