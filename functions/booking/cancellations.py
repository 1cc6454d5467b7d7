"""What cancelling an appointment costs."""

from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.booking.rules.cancellation_fees import Fee

function = Function(__name__)


class CostAnswer(Answer):
    """What cancelling would cost now, in minor units of `currency`; `free_until` null where it never costs anything."""

    fee_minor: int
    currency: str | None
    free_until: datetime | None


@function.route(
    "GET",
    "/api/appointments/{appointment_id}/cancellation",
    also=("/api/events/{appointment_id}/cancellation",),
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("appointment_not_found 404", "part_of_package 409"),
)
def show_cancellation(request: Request, appointment_id: str) -> CostAnswer:
    """What cancelling an appointment would cost now."""
    from chalicelib.booking.appointments import store as appointment_store
    from chalicelib.booking.provider import pending_change
    from chalicelib.booking.rules.cancellation_fees import fee_for

    appointment = appointment_store.get_appointment(request.company_id, appointment_id)
    pending_change.check_alone(appointment)
    return show_fee(fee_for(appointment, now()))


def show_fee(fee: "Fee") -> CostAnswer:
    """The fee as clients see it."""
    return CostAnswer(fee_minor=fee.minor, currency=fee.currency, free_until=fee.free_until)
