"""The free times of a branch: its schedule and what is taken, asked of the engine in the house's own terms."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.appointments.group import opening
from chalicelib.booking.calendar.entries import Days, Entry, Kind, entries_of, footprints
from chalicelib.booking.engine.clocks import day_start, minute_of, moment_of
from chalicelib.booking.engine.limits import Period
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host, Rules, frame_of
from chalicelib.booking.engine.search import search_each
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.taken import Kind as TakenKind
from chalicelib.booking.engine.taken import Taken
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.practice.schedule import Schedule

if TYPE_CHECKING:
    from chalicelib.booking.engine.explain import Why

Calendars = Sequence[tuple[Staff, Days]]
"""Members of staff with what is taken of their time."""
KINDS: dict[Kind, TakenKind] = {
    Kind.BOOKING: "booking",
    Kind.HOLD: "hold",
    Kind.TIME_OFF: "time_off",
    Kind.GROUP: "booking",
    Kind.EXTERNAL: "external",
}


class Slot(msgspec.Struct, frozen=True):
    """A bookable time with the member of staff who is free; UTC. `seats_left`: of a group that stands."""

    starts_at: datetime
    ends_at: datetime
    staff: Staff
    seats_left: int | None = None


def free_slots(
    schedule: Schedule, service: Service, calendars: Calendars, days: Sequence[date], now: datetime, but: bytes = b""
) -> list[Slot]:
    """The free times of `service` on the local `days`, in order, those at the same time in the order of `calendars`.

    The appointment itself fits into the working hours; its buffers need not. `but` is one's own entry, when moving.
    """
    if not days or not calendars:
        return []
    question, frame = _question(schedule, service, calendars, days, now, but)
    found = search_each(question, frame)
    starts = sorted(
        (start, number)
        for number, (member, _) in enumerate(calendars)
        for start in found[member.id].starts
        if start * 60 > now.timestamp()
    )
    length = timedelta(minutes=service.duration_min)
    return [Slot(at := moment_of(start), at + length, calendars[number][0]) for start, number in starts]


def why_not(
    schedule: Schedule, service: Service, calendar: tuple[Staff, Days], starts_at: datetime, now: datetime
) -> "list[Why]":
    """Why a time is not offered with a member of staff; "free" alone when it is."""
    from chalicelib.booking.engine.explain import explain

    member, days = calendar
    day = starts_at.astimezone(schedule.branch.clock()).date()
    question, frame = _question(schedule, service, [calendar], [day], now)
    taken = [_taken(entry) for entry in entries_of(days) if entry.expires_at is None or entry.expires_at > now]
    return explain(question, frame, minute_of(starts_at), {member.id: taken})


def nearest(slots: Iterable[Slot], wanted: datetime, count: int) -> list[Slot]:
    """The `count` slots closest to `wanted`, one per instant, in order of time."""
    by_start: dict[datetime, Slot] = {}
    for slot in slots:
        by_start.setdefault(slot.starts_at, slot)
    closest = sorted(by_start.values(), key=lambda slot: (abs(slot.starts_at - wanted), slot.starts_at))[:count]
    return sorted(closest, key=lambda slot: slot.starts_at)


def _question(
    schedule: Schedule, service: Service, calendars: Calendars, days: Sequence[date], now: datetime, but: bytes = b""
) -> tuple[AvailabilityQuery, Frame]:
    zone = schedule.branch.zone
    first_day, last_day = min(days).toordinal(), max(days).toordinal()
    # A start on the last day may run on past midnight.
    first, last = day_start(zone, first_day), day_start(zone, last_day + 1) + service.duration_min
    frame = frame_of(first, last)
    dates = [date.fromordinal(frame.first + number) for number in range(frame.days)]
    hosts = tuple(
        Host(id=member.id, hours=schedule.hours_of(member), busy=footprints(taken, dates, now, but))
        for member, taken in calendars
    )
    question = AvailabilityQuery(
        now=int(now.timestamp() * 1000),
        first=first,
        last=last,
        viewer=zone,
        ask=_ask(service),
        hosts=hosts,
        rules=_rules(opening(schedule.policy(service), service)),
        days=(first_day, last_day),
    )
    return question, frame


def _ask(service: Service) -> SlotSpec:
    return SlotSpec(
        duration=service.duration_min,
        step=service.slot_interval_min,
        before=service.buffer_before_min,
        after=service.buffer_after_min,
        alignment=service.alignment,
        offset=service.slot_offset_min,
    )


def _rules(policy: Policy) -> Rules:
    notice = 0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0
    furthest = None if "maximum_advance" in policy.off else policy.maximum_advance_days
    return Rules(notice=notice, period=None if furthest is None else Period(kind="rolling", days=furthest))


def _taken(entry: Entry) -> Taken:
    start = minute_of(entry.start)
    return Taken(
        start=start,
        end=start + entry.length_min,
        before=entry.before_min,
        after=entry.after_min,
        kind=KINDS[entry.kind],
    )
