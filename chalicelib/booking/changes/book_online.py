"""Booking for clients of the API: the same booking, taken to Cal.com where the branch books through it."""

from contextlib import closing

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
    booked = book(context.new_unit, context.company_id, request, context.clock, hook)
    if not booked.held:
        return booked.appointment
    try:
        client = context.calcom()
    except DomainError as error:  # no key: nothing was asked of Cal.com
        release(context, booked.appointment, error.code)
        raise
    with closing(client):
        try:
            return confirm_at_calcom(context, booked, client)
        except OutcomeUnknown:
            return booked.appointment
