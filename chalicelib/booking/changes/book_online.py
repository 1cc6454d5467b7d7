"""Booking for clients of the API: the same booking, taken to the provider that the branch books through."""

from contextlib import closing

from chalicelib.booking.alternatives.add import with_alternatives
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.creation.book import TransactionHook, book
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.provider.book import confirm_with_provider, release
from chalicelib.core.errors import DomainError, OutcomeUnknown


@with_alternatives()
def book_online(
    context: ChangeContext[Appointment], request: BookingRequest, hook: TransactionHook | None = None
) -> Appointment:
    """The appointment, confirmed; `held` when the provider has not said whether it took it (it is asked again later).

    `hook` is that of `book`. Raises what `book` and `confirm_with_provider` raise, but OutcomeUnknown.
    """
    booked = book(context.new_unit, context.company_id, request, context.clock, hook)
    if not booked.held:
        return booked.appointment
    try:
        client = context.connect(str(booked.appointment.provider))
    except DomainError as error:  # no key: nothing was asked of it
        release(context, booked.appointment, error.code)
        raise
    with closing(client):
        try:
            return confirm_with_provider(context, booked, client)
        except OutcomeUnknown:
            return booked.appointment
