"""What is done for bookings by the clock."""

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.unit import Unit

function = Function(__name__)


@function.every("rate(1 minute)", needs=Needs(writes=("booking", "occupancy")))
def complete_appointments() -> None:
    """Mark as completed what has ended, and look at the groups whose deadline has passed."""
    from chalicelib.booking.changes.complete import complete_ended
    from chalicelib.booking.groups.minimum import check_deadlines

    complete_ended(Unit, now)
    check_deadlines(Unit, now)
