"""What an appointment adds to the counters of its days, and how that is kept true when it changes.

What it adds follows from its present state alone. What has been added so far is written down beside the counters, in
the same transaction; so a change takes out what it had added and puts in what it adds now, and news that comes late or
twice finds a version that is counted already and changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.appointments.appointment import OVER, Appointment

MINUTE = timedelta(minutes=1)
NOT_BOOKED = frozenset({"held", "released"})
"""Waiting for a provider's word, or refused by it: nothing has been booked (yet)."""
Counters = dict[str, int]
"""By name; a counter that is not there is nought."""
Days = dict[date, Counters]
"""What is counted on which local date."""


def contribution(appointment: Appointment, zone: str) -> Days:
    """What it adds to the local day on which it was booked, and to the one on which it takes place.

    The first: `booked`, `lead` (minutes from booking to start, by the time that it has now), `source:<source>`. The
    second: `due`, `service:<id>`, and the status it has where that is one of cancelled, declined, no_show, completed;
    unless it is off also `minutes`, `served:<service>` (the same minutes) and `hour:<weekday>:<hour>`, Monday 0.
    """
    if appointment.status in NOT_BOOKED:
        return {}
    clock = ZoneInfo(zone)
    begins = appointment.starts_at.astimezone(clock)
    lead = max(0, (appointment.starts_at - appointment.created_at) // MINUTE)
    booking = {"booked": 1, "lead": lead, f"source:{appointment.source}": 1}
    visit = {"due": 1, f"service:{appointment.service_id}": 1}
    if appointment.status in ("cancelled", "declined", "no_show", "completed"):
        visit[appointment.status] = 1
    if appointment.status not in OVER:
        minutes = (appointment.ends_at - appointment.starts_at) // MINUTE
        visit |= {"minutes": minutes, f"served:{appointment.service_id}": minutes}
        visit[f"hour:{begins.weekday()}:{begins.hour}"] = 1
    return together([{appointment.created_at.astimezone(clock).date(): booking}, {begins.date(): visit}])


def together(parts: Iterable[Mapping[date, Mapping[str, int]]]) -> Days:
    """Their sum; what is nought falls away."""
    found: Days = {}
    for part in parts:
        for day, counters in part.items():
            mine = found.setdefault(day, {})
            for name, number in counters.items():
                mine[name] = mine.get(name, 0) + number
    kept = {day: {name: n for name, n in counters.items() if n} for day, counters in found.items()}
    return {day: counters for day, counters in kept.items() if counters}


def less(days: Days) -> Days:
    """The same, to be taken out."""
    return {day: {name: -number for name, number in counters.items()} for day, counters in days.items()}


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Which generation of a company's counters is shown, and which one a rebuild is making beside it.

    `building` grows while the walk over the records, which has come as far as `cursor`, goes on and events are counted
    in both. `leftover`: the generation that was shown before, until its counters are removed.
    """

    generation: int = 1
    building: int | None = None
    cursor: str | None = None
    done: int = 0
    leftover: int | None = None
    version: int = 0


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted for an appointment in one generation: at which version, by which clock, and what."""

    version: int
    zone: str
    days: Days


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted for an appointment, by generation; `version` is the marker's own."""

    branch_id: str
    generations: dict[int, Counted] = {}
    version: int = 0


class Step(msgspec.Struct, frozen=True):
    """An appointment's next marker, and by how much the counters of its branch change, by generation."""

    marker: Marker
    changes: dict[int, Days]


def step(before: Marker | None, appointment: Appointment, state: State, zone: Callable[[], str]) -> Step | None:
    """How to bring the counters up to this reading of the appointment; None when they are there, or further.

    `zone`: asked only for a generation in which it has not been counted; there it stays, whatever becomes of the
    branch's clock, until a rebuild.
    """
    marker = before or Marker(branch_id=appointment.branch_id)
    # The state may have been read just before a rebuild began: what it has counted since is not to be forgotten.
    counted = {number: one for number, one in marker.generations.items() if number >= state.generation}
    changes: dict[int, Days] = {}
    for number in (state.generation, *([state.building] if state.building else [])):
        old = counted.get(number)
        if old and old.version >= appointment.version:
            continue
        clock = old.zone if old else zone()
        days = contribution(appointment, clock)
        if old is None and not days:
            continue
        counted[number] = Counted(version=appointment.version, zone=clock, days=days)
        changes[number] = together([days, less(old.days if old else {})])
    if not changes:
        return None
    return Step(Marker(branch_id=marker.branch_id, generations=counted, version=marker.version + 1), changes)
