"""Counting anew from the records, beside the counters that are shown meanwhile."""

from collections.abc import Callable, Iterator

import msgspec

from chalicelib.analytics import count_appointments, measure_minutes, store
from chalicelib.analytics.counters import State
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.store import AppointmentFilter
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Invalid
from chalicelib.core.unit import UnitFactory

PAGE = 100
AT_ONCE = 10
"""Appointments in a transaction: a marker each, and four documents for each of two days at most."""
SETTLE_SECONDS = 2.0
"""For what was written before events were counted in both generations to be in the index that is walked."""


def rebuild(new_unit: UnitFactory, company_id: str, clock: Clock, wait: Callable[[float], object]) -> Iterator[int]:
    """Count a company's appointments anew; yields how many have been gone over so far, also those of an earlier run.

    A new generation of counters is made beside the one that is shown; events are counted in both from the moment it
    begins, and it takes the other's place when all records are in it. A run that ended early is gone on with. Only a
    page of appointments is held at a time. Raises Stale when another run is at it. Searches stand in no record: they
    stay as they are. Days for which nobody measured what is available are measured.
    """
    state = _remove_leftover(new_unit, store.get_state(company_id))
    if state.building is None:
        state = _save(new_unit, state, building=state.generation + 1, cursor=None, done=0)
        wait(SETTLE_SECONDS)
    yield state.done
    while True:
        page = appointment_store.page_appointments(AppointmentFilter(company_id=company_id), PAGE, state.cursor)
        ids = [appointment.id for appointment in page.data]
        branches = {appointment.branch_id for appointment in page.data}
        for start in range(0, len(ids), AT_ONCE):
            _count(new_unit, company_id, ids[start : start + AT_ONCE], sorted(branches))
        if page.next_cursor is None:
            break
        state = _save(new_unit, state, cursor=page.next_cursor, done=state.done + len(ids))
        yield state.done
    done = state.done + len(ids)
    shown = _save(
        new_unit, state, generation=state.building, building=None, leftover=state.generation, cursor=None, done=done
    )
    _remove_leftover(new_unit, shown)
    measure_minutes.measure_back(new_unit, company_id, clock)
    yield done


def _count(new_unit: UnitFactory, company_id: str, ids: list[str], branches: list[str]) -> None:
    try:
        count_appointments.count_together(new_unit, company_id, ids, branches)
    except Invalid:  # news that had not been counted yet, of so many days that it does not fit
        for one in ids:
            count_appointments.count_together(new_unit, company_id, [one], branches)


def _remove_leftover(new_unit: UnitFactory, state: State) -> State:
    if state.leftover is None:
        return state
    company_id = new_unit().company_id
    for scope in (store.ALL, *(branch.id for branch in practice_store.all_of(Branch, company_id))):
        removed = 1
        while removed:
            unit = new_unit()
            removed = store.remove_some(unit, scope, state.leftover)
            unit.commit()
    return _save(new_unit, state, leftover=None)


def _save(new_unit: UnitFactory, state: State, **fields: object) -> State:
    unit = new_unit()
    new = msgspec.structs.replace(state, **fields, version=state.version + 1)
    store.save_state(unit, new)
    unit.commit()
    return new
