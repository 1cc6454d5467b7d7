"""Why a start is not offered: which rule took it, or what of a host's calendar."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from chalicelib.booking.engine import bits
from chalicelib.booking.engine.clocks import day_of
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host
from chalicelib.booking.engine.search import opened_in, pauses, search
from chalicelib.booking.engine.taken import Kind, Taken
from chalicelib.booking.engine.windows import Window, held_within, overlaps

Code = Literal[
    "free",
    "in_the_past",
    "too_little_notice",
    "too_far_ahead",
    "not_asked_for",
    "restricted",
    "held",
    "too_early_in_the_day",
    "closed",
    "away",
    "outside_hours",
    "ends_after_hours",
    "limit_reached",
    "taken",
    "off_the_grid",
    "not_first_of_the_day",
]


class Why(msgspec.Struct, frozen=True):
    """One reason; `host`: whose it is, None: everyone's. `by`: what kind of entry took the time, if one did."""

    code: Code
    host: str | None = None
    by: Kind | None = None


def explain(
    query: AvailabilityQuery, frame: Frame, start: int, taken: Mapping[str, Sequence[Taken]] | None = None
) -> list[Why]:
    """Every reason why `start` is not offered; just "free" if it is.

    `taken`: what stands in the hosts' calendars, to name its kind. Where several hosts could take turns, a reason of
    each stands in the way.
    """
    found = search(query, frame)
    if start in found.starts:
        return [Why("free")]
    reasons = [*_of_time(query, start), *_of_rules(query, frame, start)]
    for host in query.hosts:
        reasons.extend(_of_host(query, frame, start, host, (taken or {}).get(host.id, ())))
    if reasons:
        return reasons
    first_only = query.rules.first_of_day and any(
        query.viewer_day(other) == query.viewer_day(start) for other in found.starts
    )
    return [Why("not_first_of_the_day" if first_only else "off_the_grid")]


def _of_time(query: AvailabilityQuery, start: int) -> list[Why]:
    reasons: list[Why] = []
    if start * 60_000 < query.now:
        reasons.append(Why("in_the_past"))
    elif not query.notice_kept(start) or (query.spec.alignment == "rounded" and start < query.soonest):
        reasons.append(Why("too_little_notice"))
    if not query.near_enough(start) or not _in_period(query, start):
        reasons.append(Why("too_far_ahead"))
    outside = query.days and not query.days[0] <= query.viewer_day(start) <= query.days[1]
    if outside or start < query.first or start + query.spec.duration > query.last:
        reasons.append(Why("not_asked_for"))
    return reasons


def _in_period(query: AvailabilityQuery, start: int) -> bool:
    period = query.rules.period
    if period is None or period.kind == "rolling_window":
        # A window of bookable days depends on what else is free; only the search can tell.
        return True
    today = query.viewer_day(query.now // 60_000)
    begins, ends = period.bounds(today, query.zone, query.viewer, ())
    return begins <= start < ends


def _of_rules(query: AvailabilityQuery, frame: Frame, start: int) -> list[Why]:
    rules = query.rules
    appointment = (start, start + query.spec.duration)
    reasons: list[Why] = []
    if rules.restriction and not held_within(
        appointment, opened_in(rules.restriction, frame, query.spec.duration).windows
    ):
        reasons.append(Why("restricted"))
    if overlaps(appointment, rules.held):
        reasons.append(Why("held"))
    if rules.opening_pause and held_within((start, start + 1), pauses(query, frame)):
        reasons.append(Why("too_early_in_the_day"))
    return reasons


def _of_host(query: AvailabilityQuery, frame: Frame, start: int, host: Host, taken: Sequence[Taken]) -> list[Why]:
    spec = query.spec
    appointment = (start, start + spec.duration)
    windows = opened_in(host.hours, frame, spec.duration, while_away=not query.is_team).windows
    reasons: list[Why] = []
    if not held_within(appointment, windows):
        reasons.append(Why(_of_hours(host, start, windows), host.id))
    elif not query.is_team and day_of(host.hours.zone, start) in host.hours.away:
        reasons.append(Why("away", host.id))
    if overlaps(appointment, host.unavailable):
        reasons.append(Why("limit_reached", host.id))
    needed = (start - spec.before, start + spec.duration + spec.after)
    if bits.mask([needed], frame.origin, frame.size) & host.busy:
        by = next((each.kind for each in taken if overlaps(needed, [each.blocked])), None)
        reasons.append(Why("taken", host.id, by))
    return reasons


def _of_hours(host: Host, start: int, windows: Sequence[Window]) -> Code:
    day = day_of(host.hours.zone, start)
    if day in host.hours.closed or (day, ()) in host.hours.overrides:
        return "closed"
    if day in host.hours.away:
        return "away"
    return "ends_after_hours" if held_within((start, start + 1), windows) else "outside_hours"
