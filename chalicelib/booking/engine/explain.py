"""Why a start is not offered: which rule took it, or what of a host's calendar."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import day_of
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host
from chalicelib.booking.engine.search import opened_in, search_each
from chalicelib.booking.engine.windows import Window, held_within, overlaps

Code = Literal[
    "free",
    "in_the_past",
    "too_little_notice",
    "too_far_ahead",
    "not_asked_for",
    "closed",
    "outside_hours",
    "ends_after_hours",
    "limit_reached",
    "taken",
    "off_the_grid",
]


class Taken(msgspec.Struct, frozen=True):
    """The minutes that something blocks, with what it keeps free around itself, and what kind of thing it is."""

    blocked: Window
    kind: str


class Why(msgspec.Struct, frozen=True):
    """One reason; `host`: whose it is, None: everyone's. `by`: what kind of entry took the time, if one did."""

    code: Code
    host: str | None = None
    by: str | None = None


def explain(query: AvailabilityQuery, frame: Frame, start: int, taken: Iterable[Taken] = ()) -> list[Why]:
    """Every reason why `start` is not offered by the query's one host; just "free" if it is.

    `taken`: what stands in the host's calendar, to name its kind.
    """
    (host,) = query.hosts
    if start in search_each(query, frame)[host.id]:
        return [Why("free")]
    return [*_of_time(query, start), *_of_host(query, frame, start, host, taken)] or [Why("off_the_grid")]


def _of_time(query: AvailabilityQuery, start: int) -> list[Why]:
    reasons: list[Why] = []
    if start * 60_000 < query.now:
        reasons.append(Why("in_the_past"))
    elif start < query.noticed:
        reasons.append(Why("too_little_notice"))
    if query.furthest is not None and start >= query.furthest:
        reasons.append(Why("too_far_ahead"))
    if start < query.first or start + query.spec.duration > query.last:
        reasons.append(Why("not_asked_for"))
    return reasons


def _of_host(query: AvailabilityQuery, frame: Frame, start: int, host: Host, taken: Iterable[Taken]) -> list[Why]:
    spec = query.spec
    appointment = (start, start + spec.duration)
    windows = opened_in(host.hours, frame, spec.duration).windows
    reasons: list[Why] = []
    if not held_within(appointment, windows):
        reasons.append(Why(_of_hours(host, start, windows), host.id))
    if overlaps(appointment, host.unavailable):
        reasons.append(Why("limit_reached", host.id))
    blocked = (start - spec.before, start + spec.duration + spec.after)
    if bits.mask([blocked], frame.origin, frame.size) & host.busy:
        by = next((each.kind for each in taken if overlaps(blocked, [each.blocked])), None)
        reasons.append(Why("taken", host.id, by))
    return reasons


def _of_hours(host: Host, start: int, windows: Sequence[Window]) -> Code:
    day = day_of(host.hours.zone, start)
    if day in host.hours.closed or (day, ()) in host.hours.overrides:
        return "closed"
    return "ends_after_hours" if held_within((start, start + 1), windows) else "outside_hours"
