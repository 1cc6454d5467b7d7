"""Booking for clients of the API: the same booking, taken to Cal.com where the branch books through it."""

from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.calcom.book import confirm_at_calcom, release
from chalicelib.booking.creation.book import TransactionHook, book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.core.errors import DomainError, OutcomeUnknown


@with_alternatives()
def book_online(
    context: ChangeContext[Appointment], request: BookingRequest, hook: TransactionHook | None = None
) -> Appointment:
    """The appointment, confirmed; `held` when Cal.com has not said whether it took it (it is asked again later).

    `hook` is that of `book`. Raises what `book` and `confirm_at_calcom` raise, but OutcomeUnknown.
    """
    new_unit, clock = context.new_unit, context.clock
    booked = book(new_unit, context.company_id, request, clock, hook)
    if not booked.held:
        return booked.appointment
    try:
        client = context.calcom()
    except DomainError as error:  # no key: nothing was asked of Cal.com
        release(booked.appointment, error.code, new_unit, clock)
        raise
    try:
        return confirm_at_calcom(booked, client, new_unit, clock)
    except OutcomeUnknown:
        return booked.appointment
    finally:
        client.close()
