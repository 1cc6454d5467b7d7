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
    question: AvailabilityQuery, frame: Frame, start: int, taken: Mapping[str, Sequence[Taken]] | None = None
) -> list[Why]:
    """Every reason why `start` is not offered; just "free" if it is.

    `taken`: what stands in the hosts' calendars, to name its kind. Where several hosts could take turns, a reason of
    each stands in the way.
    """
    found = search(question, frame)
    if start in found.starts:
        return [Why("free")]
    reasons = [*_of_time(question, start), *_of_rules(question, frame, start)]
    for host in question.hosts:
        reasons.extend(_of_host(question, frame, start, host, (taken or {}).get(host.id, ())))
    if reasons:
        return reasons
    first_only = question.rules.first_of_day and any(
        question.viewer_day(other) == question.viewer_day(start) for other in found.starts
    )
    return [Why("not_first_of_the_day" if first_only else "off_the_grid")]


def _of_time(question: AvailabilityQuery, start: int) -> list[Why]:
    reasons: list[Why] = []
    if start * 60_000 < question.now:
        reasons.append(Why("in_the_past"))
    elif not question.notice_kept(start) or (question.ask.alignment == "rounded" and start < question.soonest):
        reasons.append(Why("too_little_notice"))
    if not question.near_enough(start) or not _in_period(question, start):
        reasons.append(Why("too_far_ahead"))
    outside = question.days and not question.days[0] <= question.viewer_day(start) <= question.days[1]
    if outside or start < question.first or start + question.ask.duration > question.last:
        reasons.append(Why("not_asked_for"))
    return reasons


def _in_period(question: AvailabilityQuery, start: int) -> bool:
    period = question.rules.period
    if period is None or period.kind == "rolling_window":
        # A window of bookable days depends on what else is free; only the search can tell.
        return True
    today = question.viewer_day(question.now // 60_000)
    begins, ends = period.bounds(today, question.zone, question.viewer, ())
    return begins <= start < ends


def _of_rules(question: AvailabilityQuery, frame: Frame, start: int) -> list[Why]:
    rules = question.rules
    appointment = (start, start + question.ask.duration)
    reasons: list[Why] = []
    if rules.restriction and not held_within(
        appointment, opened_in(rules.restriction, frame, question.ask.duration).windows
    ):
        reasons.append(Why("restricted"))
    if overlaps(appointment, rules.held):
        reasons.append(Why("held"))
    if rules.opening_pause and held_within((start, start + 1), pauses(question, frame)):
        reasons.append(Why("too_early_in_the_day"))
    return reasons


def _of_host(question: AvailabilityQuery, frame: Frame, start: int, host: Host, taken: Sequence[Taken]) -> list[Why]:
    ask = question.ask
    appointment = (start, start + ask.duration)
    windows = opened_in(host.hours, frame, ask.duration, while_away=not question.is_team).windows
    reasons: list[Why] = []
    if not held_within(appointment, windows):
        reasons.append(Why(_of_hours(host, start, windows), host.id))
    elif not question.is_team and day_of(host.hours.zone, start) in host.hours.away:
        reasons.append(Why("away", host.id))
    if overlaps(appointment, host.shut):
        reasons.append(Why("limit_reached", host.id))
    wanted = (start - ask.before, start + ask.duration + ask.after)
    if bits.mask([wanted], frame.origin, frame.size) & host.busy:
        by = next((each.kind for each in taken if overlaps(wanted, [each.footprint])), None)
        reasons.append(Why("taken", host.id, by))
    return reasons


def _of_hours(host: Host, start: int, windows: Sequence[Window]) -> Code:
    day = day_of(host.hours.zone, start)
    if day in host.hours.closed or (day, ()) in host.hours.overrides:
        return "closed"
    if day in host.hours.away:
        return "away"
    return "ends_after_hours" if held_within((start, start + 1), windows) else "outside_hours"
