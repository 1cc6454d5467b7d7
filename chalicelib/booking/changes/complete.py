"""Completing what has ended: every minute, a bounded number, those that ended first."""

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.changes.status import Mark, mark
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, NotFound, Unavailable
from chalicelib.core.logging import log
from chalicelib.core.unit import CompanyUnitFactory

AT_ONCE = 25
"""Of each shard: a hundred a minute and run; what is left over comes with the next."""


def complete_ended(new_unit: CompanyUnitFactory, clock: Clock, most: int = AT_ONCE) -> int:
    """Mark as completed what stands and has ended; how many. Whoever comes twice changes nothing."""
    done = 0
    for shard in range(appointment_store.ENDING_SHARDS):
        for company_id, appointment_id in appointment_store.ended(clock(), shard, most):
            done += _complete(new_unit, company_id, appointment_id, clock)
    return done


def _complete(new_unit: CompanyUnitFactory, company_id: str, appointment_id: str, clock: Clock) -> bool:
    # The index may be behind: the record itself says whether it still stands and has ended.
    try:
        current = appointment_store.get_appointment(company_id, appointment_id)
        if current.status != "confirmed" or current.pending_change or current.ends_at > clock():
            return False
        context: ChangeContext[Appointment] = ChangeContext(lambda: new_unit(company_id), company_id, clock)
        mark(context, appointment_id, "completed", Mark(version=current.version))
    except (Conflict, NotFound, Unavailable) as error:
        log.info("not completed", extra={"appointment_id": appointment_id, "code": error.code})
        return False
    return True
