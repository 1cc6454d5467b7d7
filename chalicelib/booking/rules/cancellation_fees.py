"""What cancelling an appointment costs: a figure to be billed, by the policy of its service in its branch.

Only what stood costs anything: a request that nobody has answered and a hold are given back for nothing.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.policy import Cancellation
from chalicelib.booking.practice.schedule import Schedule


class Fee(msgspec.Struct, frozen=True, kw_only=True):
    """In minor units of the branch's currency. `free_until`: the last instant (UTC) at which it costs nothing."""

    minor: int = 0
    currency: str | None = None
    free_until: datetime | None = None


def fee_for(appointment: Appointment, at: datetime) -> Fee:
    """What cancelling it would cost at that instant; one request, none for what never stood."""
    if appointment.status != "confirmed":
        return Fee()
    schedule = practice_store.schedules(appointment.company_id, [appointment.branch_id]).get(appointment.branch_id)
    return fee_by(schedule, appointment, at) if schedule else Fee()


def fee_by(schedule: Schedule, appointment: Appointment, at: datetime) -> Fee:
    """What it costs by the schedule of its branch; nothing for a service that is no longer offered there.

    Of a package's first part, what the package costs.
    """
    service = schedule.find_service(appointment.sold_as)
    if service is None:
        return Fee()
    agreed = schedule.policy(service).cancellation or Cancellation()
    whole = agreed.fee_minor or share(service.price_minor, agreed.fee_percent)
    currency = schedule.branch.currency
    if not whole:
        return Fee(currency=currency)
    free_until = appointment.starts_at - timedelta(minutes=agreed.notice_min)
    return Fee(minor=whole if at > free_until else 0, currency=currency, free_until=free_until)


def noted(fee: Fee, *, waived: bool) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that a fee adds to what is cancelled, and what its history says of it."""
    if not fee.minor:
        return {}, {}
    figure = f"{fee.minor} {fee.currency}"
    if waived:
        return {}, {"fee_waived": figure}
    return {"fee_minor": fee.minor, "currency": fee.currency}, {"fee": figure}


def share(price_minor: int, percent: int) -> int:
    """That share of a price, half a minor unit rounded up."""
    return (price_minor * percent + 50) // 100
