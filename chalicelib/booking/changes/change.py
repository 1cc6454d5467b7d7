"""Changing an appointment: read, decided on, written, and taken to the provider that has to agree."""

from collections.abc import Callable

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.provider import pending_change
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit

BUSY = "Many are changing this appointment at once; try again in a moment."
Stage = Callable[[Unit, Appointment], Appointment]


def change_appointment(
    context: ChangeContext[Appointment], appointment_id: str, stage: Stage, busy: str = BUSY
) -> Appointment:
    """The appointment as `stage` changes it, which returns it as it is to change nothing; again while others change it.

    With `pending_change` while the provider has not said whether it agrees: it is asked until it did. Raises NotFound,
    Unavailable with the sentence `busy`, and what `stage` and the provider raise.
    """

    def attempt() -> tuple[Appointment, bool]:
        current = appointment_store.get_appointment(context.company_id, appointment_id)
        unit = context.new_unit()
        staged = stage(unit, current)
        if staged is current:
            return current, False
        if context.hook and staged.pending_change is None:
            context.hook(unit, staged)
        unit.commit(staged)
        # What the provider has yet to book is settled with the booking.
        is_new = staged.pending_change not in (None, current.pending_change)
        return staged, is_new and staged.status != "held"

    staged, asks_provider = until_committed(attempt, "calendar_busy", busy)
    if not asks_provider:
        return staged
    return pending_change.carry_out(context, staged)
