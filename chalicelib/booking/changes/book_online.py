"""Booking for clients of the API: the same booking, taken to Cal.com where the branch books through it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.calcom.book import confirm_at_calcom, release
from chalicelib.booking.creation.book import BookingRequest, TransactionHook, book
from chalicelib.core.clock import Clock
from chalicelib.core.errors import DomainError, OutcomeUnknown
from chalicelib.core.tables import Key
from chalicelib.core.unit import UnitFactory

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom


def book_online(
    new_unit: UnitFactory,
    company_id: str,
    wish: BookingRequest,
    clock: Clock,
    calcom: Callable[[], "CalCom"],
    extra: Sequence[Key] = (),
    hook: TransactionHook | None = None,
) -> Appointment:
    """The appointment, confirmed; `held` when Cal.com has not said whether it took it (it is asked again later).

    `extra` and `hook` are those of `book`. Raises what `book` and `confirm_at_calcom` raise, but OutcomeUnknown.
    """
    booked = book(new_unit, company_id, wish, clock, extra, hook)
    if not booked.held:
        return booked.appointment
    try:
        client = calcom()
    except DomainError as error:  # no key: nothing was asked of Cal.com
        release(booked.appointment, error.code, new_unit, clock)
        raise
    try:
        return confirm_at_calcom(booked, client, new_unit, clock)
    except OutcomeUnknown:
        return booked.appointment
    finally:
        client.close()
