"""Whoever waits for a time and books one that would do no longer waits for it."""

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import OVER, Appointment
from chalicelib.booking.creation.hold import give_back
from chalicelib.booking.events import WaitingBooked
from chalicelib.booking.jobs import OfferOpening, ServeWaiting
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import OPEN, WaitlistEntry, candidate_at
from chalicelib.core.errors import NotFound
from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed


def serve_waiting(job: ServeWaiting, context: JobContext) -> None:
    """Take off the list what the appointment is, of the customer's own; doing it twice changes nothing."""
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    if appointment is None or appointment.status in OVER:
        return
    for entry in waitlist_store.open_entries_of(job.company_id, appointment.customer_id):
        if entry.branch_id == appointment.branch_id and _is_met(entry, appointment):
            until_committed(lambda entry=entry: _serve(entry, appointment, context))  # type: ignore[misc]


def _is_met(entry: WaitlistEntry, appointment: Appointment) -> bool:
    try:
        branch = practice_store.get_schedule(entry.company_id, entry.branch_id).branch
    except NotFound:
        return False
    staff = (appointment.staff_id,) if appointment.staff_id else ()
    booked = candidate_at(appointment.sold_as, appointment.starts_at, appointment.ends_at, staff, branch.clock())
    return entry.is_met_by(booked)


def _serve(seen: WaitlistEntry, appointment: Appointment, context: JobContext) -> None:
    entry = waitlist_store.find(seen.company_id, seen.id)
    if entry is None or entry.status not in OPEN:
        return
    unit, offer = context.unit(), entry.offer
    waitlist_store.save(unit, entry.served(appointment.id, context.clock()))
    hold = hold_store.find(entry.company_id, offer.hold_id) if offer else None
    if hold:  # what was kept for them is for the next
        give_back(unit, hold)
        unit.enqueue(OfferOpening(company_id=entry.company_id, branch_ids=(entry.branch_id,)))
    unit.publish(
        WaitingBooked(
            waiting_id=entry.id,
            offer_id=offer.id if offer else "",
            branch_id=entry.branch_id,
            appointment_id=appointment.id,
        )
    )
    unit.audit("waiting.served", entry.id, ("status", "appointment_id"), appointment=appointment.id)
    unit.commit()
