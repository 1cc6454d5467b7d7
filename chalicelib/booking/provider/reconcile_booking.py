"""Holds whose fate at the provider is not known: ask it, then confirm or release; nothing else releases them."""

from contextlib import closing
from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.jobs import ReconcileBooking
from chalicelib.booking.provider import book, requests
from chalicelib.booking.provider.apply import confirm_held
from chalicelib.booking.provider.requests import provider_of
from chalicelib.core.jobs import JobContext, Postpone

SURE_AFTER = timedelta(seconds=75)
"""A request that the provider has not shown by then was never taken: our own wait for its answer ends long before."""
AGAIN_SECONDS = 60


def reconcile(job: ReconcileBooking, context: JobContext) -> None:
    """Settle one hold. Does nothing when it is settled already."""
    held = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if held is None or held.status != "held":
        return
    provider = provider_of(held)
    with closing(provider.connect()) as client:
        found = requests.search(held, client)
    change: ChangeContext[Appointment] = ChangeContext(context.unit, job.company_id, context.clock)
    if found and found.stands:
        confirm_held(change, held, found)
    elif context.clock() - held.created_at < SURE_AFTER:
        raise Postpone(AGAIN_SECONDS, f"{provider.title} may still be working on it")
    else:
        book.release(change, held, provider.named("{}_cancelled" if found else "{}_never_booked"))
