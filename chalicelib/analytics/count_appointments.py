"""Counting: appointments as they stand, what was counted for them before, and the difference, in one transaction."""

from collections.abc import Sequence
from functools import partial

from chalicelib.analytics import store
from chalicelib.analytics.counters import Days, State, step, together
from chalicelib.analytics.jobs import CountAppointment
from chalicelib.analytics.store import Reading
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.core.errors import NotFound
from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory


def count(job: CountAppointment, context: JobContext) -> None:
    """Bring the counters up to how the appointment stands, whatever the news was, and however often it comes."""
    count_together(context.unit, job.company_id, [job.appointment_id], [job.branch_id] if job.branch_id else [])


def count_together(
    new_unit: UnitFactory, company_id: str, appointment_ids: Sequence[str], branch_ids: Sequence[str] = ()
) -> int:
    """Count up to ten appointments in one transaction; returns for how many anything changed.

    One read (another one for a branch that was not named) and one transaction; no write where all is counted.
    """

    def attempt() -> int:
        state, readings = store.read(company_id, appointment_ids, branch_ids)
        unit = new_unit()
        changed = _stage(unit, readings, state)
        unit.commit()
        return changed

    return until_committed(
        attempt, "counters_busy", "Many are counting these appointments at once; try again in a moment."
    )


def _stage(unit: Unit, readings: Sequence[Reading], state: State) -> int:
    changes: dict[tuple[str, int], Days] = {}
    changed = 0
    for reading in readings:
        if reading.appointment is None:
            continue
        taken = step(reading.marker, reading.appointment, state, partial(_zone, unit.company_id, reading))
        if taken is None:
            continue
        changed += 1
        store.save_marker(unit, reading.appointment.id, taken.marker)
        for generation, days in taken.changes.items():
            where = taken.marker.branch_id, generation
            changes[where] = together([changes.get(where, {}), days])
    store.add(unit, changes)
    return changed


def _zone(company_id: str, reading: Reading) -> str:
    assert reading.appointment is not None
    if reading.zone:
        return reading.zone
    branch = practice_store.find(Branch, company_id, reading.appointment.branch_id)  # deleted ones too
    if branch is None:
        raise NotFound("branch_not_found", f"There is no branch {reading.appointment.branch_id}.")
    return branch.zone
