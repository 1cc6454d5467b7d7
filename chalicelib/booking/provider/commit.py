"""Writing down what a provider said: with the ids that lead to the appointment, again while others change it."""

from collections.abc import Callable

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.core import reference_store
from chalicelib.core.errors import Stale
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit

BUSY = "Many are changing this appointment at once; try again in a moment."


def claim_references(unit: Unit, appointment: Appointment) -> None:
    """Make the provider's ids of the booking lead to the appointment; ids it had before keep leading there."""
    for reference in appointment.references:
        taken = Stale("Another appointment stands for this booking of the provider's.")
        reference_store.claim(unit, reference, appointment.id, taken)


def commit(context: ChangeContext[Appointment], unit: Unit, new: Appointment) -> Appointment:
    """Commit the next version with what was staged and what the hook adds; raises Stale."""
    appointment_store.save_appointment(unit, new)
    if context.hook:
        context.hook(unit, new)
    unit.commit(new)
    return new


def while_open(
    appointment: Appointment, is_open: Callable[[Appointment], bool], write: Callable[[Appointment], Appointment]
) -> tuple[Appointment, bool]:
    """What `write` commits of the appointment, and True; or, once it is not open any more, as it stands, and False.

    The first try goes by what was read already. Raises Unavailable while others keep changing it.
    """
    known = [appointment]

    def attempt() -> tuple[Appointment, bool]:
        current = known.pop() if known else appointment_store.get_appointment(appointment.company_id, appointment.id)
        return (write(current), True) if is_open(current) else (current, False)

    return until_committed(attempt, "calendar_busy", BUSY)


def add_to_settled(context: ChangeContext[Appointment], current: Appointment) -> Appointment:
    """Commit what the hook adds, and the answer to the Idempotency-Key, to what a webhook or a job settled first."""
    unit = context.new_unit()
    if context.hook:
        context.hook(unit, current)
    unit.commit(current)
    return current
