"""Counters, and what was counted, in DynamoDB."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import islice

import msgspec
from pynamodb.exceptions import UpdateError
from pynamodb.expressions.operand import Path

from chalicelib.analytics.counters import Counters, Days, Marker, State
from chalicelib.analytics.tables import AnalyticsRow
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.store import appointment_key, appointment_of
from chalicelib.booking.practice.models import Branch
from chalicelib.booking.practice.store import record_key
from chalicelib.core.errors import NotFound
from chalicelib.core.logging import log
from chalicelib.core.tables import Key, collection, encode, fetch, fetch_map, fetch_one
from chalicelib.core.unit import MOST_ACTIONS, Unit

ALL = "all"
"""In place of a branch: the whole company."""


class Reading(msgspec.Struct, frozen=True):
    """What counting has to know of an appointment; `zone` where its branch was read along."""

    appointment: Appointment | None
    marker: Marker | None
    zone: str | None


def read(
    company_id: str, appointment_ids: Sequence[str], branch_ids: Iterable[str] = ()
) -> tuple[State, list[Reading]]:
    """The company's state, and of each appointment what stands and what was counted; one request for up to 40.

    `branch_ids`: of branches to be read along.
    """
    state_at, branches = _state_key(company_id), [record_key(Branch, company_id, one) for one in branch_ids]
    keys = [(appointment_key(company_id, one), _marker_key(company_id, one)) for one in appointment_ids]
    rows = fetch_map([state_at, *(key for pair in keys for key in pair), *branches])
    zones = {b.id: b.zone for b in (rows[key].model(Branch) for key in branches if rows[key] is not None)}
    found = []
    for appointment_at, marker_at in keys:
        appointment, marker = appointment_of(rows[appointment_at]), rows[marker_at]
        zone = zones.get(appointment.branch_id) if appointment else None
        found.append(Reading(appointment, marker.model(Marker) if marker is not None else None, zone))
    return _state(rows[state_at]), found


def save_marker(unit: Unit, appointment_id: str, marker: Marker) -> None:
    """Write what was counted; the unit ends as Stale when someone counted it since it was read."""
    key = _marker_key(unit.company_id, appointment_id)
    row = AnalyticsRow(key.pk, key.sk, data=encode(marker), version=marker.version)
    unit.put(
        row, AnalyticsRow.version == marker.version - 1 if marker.version > 1 else AnalyticsRow.pk.does_not_exist()
    )


def add(unit: Unit, changes: Mapping[tuple[str, int], Days]) -> None:
    """Add to the counters of branches in a generation: their days and months, and the company's.

    One UpdateItem for each document however many changes meet there. Adding reads nothing and has no condition: that
    nothing is added twice is up to the markers in the same unit.
    """
    documents: dict[tuple[str, str], Counters] = {}
    for (branch_id, generation), days in changes.items():
        for day, counters in days.items():
            for scope in (branch_id, ALL):
                for sk in (f"day#{day}", f"month#{day:%Y-%m}"):
                    mine = documents.setdefault((_partition(unit.company_id, scope, generation), sk), {})
                    for name, number in counters.items():
                        mine[name] = mine.get(name, 0) + number
    for (pk, sk), counters in sorted(documents.items()):
        added = [Path([name]).add(number) for name, number in sorted(counters.items()) if number]
        if added:
            unit.update(AnalyticsRow(pk, sk), added)


def days_of(company_id: str, scope: str, generation: int, first: date, last: date) -> dict[date, Counters]:
    """The counters of the days that have any; one Query."""
    between = AnalyticsRow.sk.between(f"day#{first}", f"day#{last}")
    rows = AnalyticsRow.query(_partition(company_id, scope, generation), between)
    return {date.fromisoformat(row.sk.removeprefix("day#")): row.numbers for row in rows}


def months_of(company_id: str, scope: str, generation: int, first: date, last: date) -> dict[date, Counters]:
    """The counters of the months that have any, by their first day; one Query."""
    between = AnalyticsRow.sk.between(f"month#{first:%Y-%m}", f"month#{last:%Y-%m}")
    rows = AnalyticsRow.query(_partition(company_id, scope, generation), between)
    return {date.fromisoformat(f"{row.sk.removeprefix('month#')}-01"): row.numbers for row in rows}


def shown(company_id: str, branch_id: str | None) -> int:
    """The generation that dashboards show; one request. Raises NotFound for a branch that is not the company's."""
    state_at, branch_at = _state_key(company_id), record_key(Branch, company_id, branch_id) if branch_id else None
    rows = fetch_map([state_at, branch_at] if branch_at else [state_at])
    if branch_at and rows[branch_at] is None:
        raise NotFound("branch_not_found", f"There is no branch {branch_id}.")
    return _state(rows[state_at]).generation


def get_state(company_id: str) -> State:
    """How a company's counters stand; one request."""
    return _state(fetch_one(_state_key(company_id)))


def save_state(unit: Unit, state: State) -> None:
    """Write its next version; the unit ends as Stale when another one came first."""
    key = _state_key(unit.company_id)
    row = AnalyticsRow(key.pk, key.sk, data=encode(state), version=state.version)
    unit.put(row, AnalyticsRow.version == state.version - 1 if state.version > 1 else AnalyticsRow.pk.does_not_exist())


def remove_some(unit: Unit, branch_id: str, generation: int) -> int:
    """Remove documents of a generation, as many as one unit takes; returns how many."""
    rows = list(islice(collection(AnalyticsRow, _partition(unit.company_id, branch_id, generation)), MOST_ACTIONS))
    for row in rows:
        unit.delete(AnalyticsRow(row.pk, row.sk))
    return len(rows)


def count_search(company_id: str, branch_id: str, day: date) -> None:
    """Add one to a branch's searches of a local day; one UpdateItem, no unit.

    Says nothing when it fails: what was searched for is found all the same.
    """
    try:
        AnalyticsRow(*_month_of(company_id, "searches", branch_id, day)).update([Path([f"d{day:%d}"]).add(1)])
    except UpdateError as error:
        log.warning("search not counted", extra={"branch_id": branch_id, "why": error.cause_response_code})


def save_available(unit: Unit, branch_id: str, minutes: Mapping[date, int], keep_before: date) -> None:
    """Write a branch's available minutes; of days before `keep_before` only those that nobody has written yet."""
    months: dict[tuple[str, str], list[date]] = {}
    for day in minutes:
        months.setdefault(_month_of(unit.company_id, "available", branch_id, day), []).append(day)
    for (pk, sk), days in months.items():
        paths = {day: Path([f"d{day:%d}"]) for day in days}
        changes = [p.set(p | minutes[day] if day < keep_before else minutes[day]) for day, p in paths.items()]
        unit.update(AnalyticsRow(pk, sk), changes)


def searches(company_id: str, branch_id: str | None, first: date, last: date) -> dict[date, int]:
    """How often free times were asked for on each day; one request."""
    return _by_day(company_id, "searches", branch_id, first, last)


def available(company_id: str, branch_id: str | None, first: date, last: date) -> dict[date, int]:
    """The available minutes of each day that was measured; one request."""
    return _by_day(company_id, "available", branch_id, first, last)


def _by_day(company_id: str, what: str, branch_id: str | None, first: date, last: date) -> dict[date, int]:
    # A document a branch and month: the company's are one Query, a branch's own are picked by key.
    if branch_id:
        months = sorted({f"{date.fromordinal(n):%Y-%m}" for n in range(first.toordinal(), last.toordinal() + 1)})
        keys = [Key(AnalyticsRow, f"{company_id}#{what}", f"{month}#{branch_id}") for month in months]
        rows = [row for row in fetch(keys, consistent=False) if row is not None]
    else:
        between = AnalyticsRow.sk.between(f"{first:%Y-%m}#", f"{last:%Y-%m}#~")
        rows = list(AnalyticsRow.query(f"{company_id}#{what}", between))
    found: dict[date, int] = {}
    for row in rows:
        for name, number in row.numbers.items():
            day = date.fromisoformat(f"{row.sk[:7]}-{name[1:]}")
            if first <= day <= last:
                found[day] = found.get(day, 0) + number
    return found


def _state(row: AnalyticsRow | None) -> State:
    return row.model(State) if row is not None else State()


def _state_key(company_id: str) -> Key:
    return Key(AnalyticsRow, f"{company_id}#analytics", "state")


def _marker_key(company_id: str, appointment_id: str) -> Key:
    return Key(AnalyticsRow, f"{company_id}#{appointment_id}", "counted")


def _partition(company_id: str, scope: str, generation: int) -> str:
    return f"{company_id}#{scope}#{generation}"


def _month_of(company_id: str, what: str, branch_id: str, day: date) -> tuple[str, str]:
    return f"{company_id}#{what}", f"{day:%Y-%m}#{branch_id}"
