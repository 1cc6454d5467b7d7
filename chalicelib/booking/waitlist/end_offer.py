"""How waiting ends without an appointment: offers are declined or lapse, customers leave the list, entries expire."""

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.creation.hold import give_back
from chalicelib.booking.events import WaitingExpired, WaitingOfferEnded, WaitingWithdrawn
from chalicelib.booking.jobs import CheckWaiting, OfferOpening
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import OPEN, Outcome, WaitlistEntry
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit, UnitFactory


def end_offer(unit: Unit, entry: WaitlistEntry, outcome: Outcome, clock: Clock) -> WaitlistEntry:
    """Stage that the newest offer came to nothing: the time is free, the next one is asked, this one waits on.

    The unit ends as Stale when the offer was answered meanwhile.
    """
    offer = entry.offers[-1]
    after = entry.withdrawn(clock()) if outcome == "withdrawn" else entry.again(outcome, clock())
    waitlist_store.save(unit, after)
    hold = hold_store.find(entry.company_id, offer.hold_id)
    if hold:
        give_back(unit, hold)
    unit.publish(WaitingOfferEnded(waiting_id=entry.id, offer_id=offer.id, branch_id=entry.branch_id, outcome=outcome))
    if after.status == "expired":
        unit.publish(WaitingExpired(waiting_id=entry.id, branch_id=entry.branch_id))
    if outcome != "gone":  # whoever comes next would find the time taken as well
        _offer_any_day(unit, entry)
    return after


def withdraw(new_unit: UnitFactory, company_id: str, waiting_id: str, clock: Clock) -> WaitlistEntry:
    """Take someone off the list; what was offered to them is offered to the next. Who is off already stays so.

    Raises NotFound, Conflict `waiting_booked` for whom it has become an appointment.
    """

    def attempt() -> WaitlistEntry:
        entry = waitlist_store.get(company_id, waiting_id)
        if entry.status == "booked":
            raise Conflict("waiting_booked", "It is booked; cancel the appointment instead.")
        if entry.status not in OPEN:
            return entry
        unit = new_unit()
        if entry.offer:
            after = end_offer(unit, entry, "withdrawn", clock)
        else:
            after = entry.withdrawn(clock())
            waitlist_store.save(unit, after)
        unit.publish(WaitingWithdrawn(waiting_id=waiting_id, branch_id=entry.branch_id))
        unit.audit("waiting.withdrawn", waiting_id, ("status",))
        unit.commit(after)
        return after

    return until_committed(attempt)


def take_back(job: OfferOpening, context: JobContext) -> None:
    """Let someone wait on whose accepted offer the provider did not have after all; nothing when they do already."""
    appointment = appointment_store.find_appointment(job.company_id, job.appointment_id)
    waiting_id = appointment.metadata.get("waiting_id", "") if appointment else ""
    entry = waitlist_store.find(job.company_id, waiting_id) if waiting_id else None
    if entry is None or (entry.status, entry.appointment_id) != ("booked", job.appointment_id):
        return
    unit = context.unit(job.company_id)
    end_offer(unit, entry, "gone", context.clock)
    unit.audit("waiting.offer_gone", entry.id, ("status",), appointment=job.appointment_id)
    unit.commit()


def check_waiting(job: CheckWaiting, context: JobContext) -> None:
    """End an offer that nobody answered, or waiting that is over; look again at whoever has waited for a day."""
    entry, now = waitlist_store.find(job.company_id, job.waiting_id), context.clock()
    if entry is None or entry.status not in OPEN:
        return
    if entry.due_at > now:  # another clock is ahead of this one
        raise Postpone(1, "it is not time yet")
    unit = context.unit(job.company_id)
    if entry.offer:
        end_offer(unit, entry, "lapsed", context.clock)
        unit.audit("waiting.offer_lapsed", entry.id, ("status",), offer=entry.offer.id)
    elif entry.expires_at <= now:
        waitlist_store.save(unit, entry.expired(now))
        unit.publish(WaitingExpired(waiting_id=entry.id, branch_id=entry.branch_id))
        unit.audit("waiting.expired", entry.id, ("status",))
    else:
        waitlist_store.save(unit, entry.looked_at(now))
        _offer_any_day(unit, entry)
    unit.commit()


def _offer_any_day(unit: Unit, entry: WaitlistEntry) -> None:
    # What became free on other days while this was offered, or has come within reach, has passed the entry by.
    unit.enqueue(OfferOpening(company_id=entry.company_id, branch_ids=(entry.branch_id,), waiting_id=entry.id))
