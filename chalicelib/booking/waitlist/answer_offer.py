"""Answers to offers: accepted they become appointments, declined or lapsed the next one is asked."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.hold import HoldProof
from chalicelib.booking.changes.book_online import book_online
from chalicelib.booking.creation import book
from chalicelib.booking.creation.book import Booked, TransactionHook
from chalicelib.booking.creation.hold import give_back
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.events import WaitingBooked, WaitingExpired, WaitingOfferEnded
from chalicelib.booking.jobs import OfferOpening
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.facts import Rows
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import OPEN, Offer, Outcome, WaitlistEntry
from chalicelib.booking.waitlist.offer_link import behind
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Invalid, NotFound, Stale, Unavailable
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer

if TYPE_CHECKING:
    from chalicelib.vendors.calcom import CalCom

AT_ONCE = 100
OVER: dict[Outcome, Conflict] = {
    "accepted": Conflict("offer_accepted", "This was accepted and is booked; cancel the appointment instead."),
    "declined": Conflict("offer_declined", "This was declined, and the time offered to others."),
    "lapsed": Conflict("offer_expired", "This offer has expired; the time may have been given to others."),
    "withdrawn": Conflict("offer_withdrawn", "You are no longer on the waiting list."),
    "gone": Conflict("offer_withdrawn", "This time turned out to be taken; you are on the waiting list again."),
}


class _Meanwhile(Exception):
    """The offer changed while it was being answered."""


class Answered(msgspec.Struct, frozen=True):
    """What became of an offer; `appointment` when it was accepted."""

    offer: Offer
    appointment: Appointment | None = None


def look(secret: str, clock: Clock) -> tuple[Answered, Schedule]:
    """The offer behind a link, and the branch it is made by. Raises NotFound."""
    waiting, offer = _behind(secret, clock)
    if offer.outcome == "open" and offer.until <= clock():
        offer = msgspec.structs.replace(offer, outcome="lapsed")
    return Answered(offer), practice_store.get_schedule(waiting.company_id, waiting.branch_id)


def accept(new_unit: CompanyUnitFactory, secret: str, clock: Clock, calcom: "Callable[[], CalCom]") -> Answered:
    """Book it: the hold becomes the appointment, and the place on the list is used, in one transaction.

    Accepting twice gives the same appointment. Raises NotFound, Conflict `offer_expired`, `offer_declined` or
    `offer_withdrawn`, and what `book` raises where the rules have come to refuse it.
    """
    for attempt in range(book.TRIES):
        waiting, offer = _behind(secret, clock)
        if offer.outcome == "accepted" and waiting.appointment_id:
            return Answered(offer, _standing(waiting))
        _check_open(offer, clock)
        company_id = waiting.company_id

        def begin_here(company_id: str = company_id) -> Unit:
            return new_unit(company_id)

        try:
            made = book_online(
                ChangeContext(begin_here, company_id, clock, calcom=calcom),
                _wish(waiting, offer, crm.get_customer(company_id, waiting.customer_id)),
                _using(waiting, offer),
            )
        except _Meanwhile:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
        except (NotFound, Conflict) as refusal:
            # Somebody else's answer used the hold, or it lapsed just now: the record says which.
            if refusal.code not in ("hold_not_found", "hold_expired"):
                raise
        except Invalid:
            raise Conflict("offer_withdrawn", "This is not offered any more.") from None
        else:
            return Answered(offer, made)
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def decline(new_unit: CompanyUnitFactory, secret: str, clock: Clock) -> Answered:
    """Give the time back, and have the next one asked; he waits on, and is not offered this time again.

    Declining twice is the same as once. Raises NotFound, Conflict `offer_accepted`, `offer_expired`.
    """
    for attempt in range(book.TRIES):
        waiting, offer = _behind(secret, clock)
        if offer.outcome == "declined":
            return Answered(offer)
        _check_open(offer, clock)
        unit = new_unit(waiting.company_id)
        again = end_offer(unit, waiting, "declined", clock)
        unit.audit("waiting.offer_declined", waiting.id, ("status",), offer=offer.id)
        try:
            unit.commit()
            return Answered(again.offers[-1])
        except Stale:
            book.pause(random.uniform(0, min(0.005 * 2**attempt, 0.15)))
    raise Unavailable("calendar_busy", "Many are booking this day at once; try again in a moment.")


def end_offer(unit: Unit, waiting: WaitlistEntry, outcome: Outcome, clock: Clock) -> WaitlistEntry:
    """Stage that the newest offer came to nothing: the time is free, the next one is asked, he waits on.

    Stale when it was answered meanwhile.
    """
    offer = waiting.offers[-1]
    again = waiting.withdrawn(clock()) if outcome == "withdrawn" else waiting.again(outcome, clock())
    waitlist_store.save(unit, again)
    hold = hold_store.find(waiting.company_id, offer.hold_id)
    if hold:
        give_back(unit, hold)
    unit.publish(
        WaitingOfferEnded(waiting_id=waiting.id, offer_id=offer.id, branch_id=waiting.branch_id, outcome=outcome)
    )
    if again.status == "expired":
        unit.publish(WaitingExpired(waiting_id=waiting.id, branch_id=waiting.branch_id))
    if outcome != "gone":  # the next one would only hear the same
        # Of all days: what became free on others while this was offered has passed him by.
        unit.enqueue(
            OfferOpening(company_id=waiting.company_id, branch_ids=(waiting.branch_id,), waiting_id=waiting.id)
        )
    return again


def take_back(job: OfferOpening, context: JobContext) -> None:
    """Let someone wait on whose accepted offer Cal.com turned out not to have; does nothing when he does."""
    visit = appointment_store.find_appointment(job.company_id, job.appointment_id)
    waiting = waitlist_store.find(job.company_id, visit.metadata.get("waiting_id", "")) if visit else None
    if visit is None or waiting is None or (waiting.status, waiting.appointment_id) != ("booked", visit.id):
        return
    unit = context.unit(job.company_id)
    end_offer(unit, waiting, "gone", context.clock)
    unit.audit("waiting.offer_gone", waiting.id, ("status",), appointment=visit.id)
    unit.commit()


def sweep(new_unit: CompanyUnitFactory, clock: Clock, most: int = AT_ONCE) -> int:
    """End offers that nobody answered and waiting that is over, and look at those again whose day has passed.

    How many there were. Whoever comes twice changes nothing.
    """
    done = 0
    for company_id, waiting_id in waitlist_store.due(clock(), most):
        waiting = waitlist_store.find(company_id, waiting_id)
        # The index may be behind: the record itself says whether it is due.
        if waiting is None or waiting.status not in OPEN or waiting.due_at > clock():
            continue
        unit = new_unit(company_id)
        _go_on(unit, waiting, clock)
        try:
            unit.commit()
            done += 1
        except (Stale, Unavailable) as error:  # answered just now; the next sweep sees
            log.info("waiting not swept", extra={"waiting_id": waiting_id, "code": error.code})
    return done


def _go_on(unit: Unit, waiting: WaitlistEntry, clock: Clock) -> None:
    if waiting.offer:
        end_offer(unit, waiting, "lapsed", clock)
        unit.audit("waiting.offer_lapsed", waiting.id, ("status",), offer=waiting.offer.id)
    elif waiting.expires_at <= clock():
        waitlist_store.save(unit, waiting.expired(clock()))
        unit.publish(WaitingExpired(waiting_id=waiting.id, branch_id=waiting.branch_id))
        unit.audit("waiting.expired", waiting.id, ("status",))
    else:
        waitlist_store.save(unit, waiting.looked_at(clock()))
        unit.enqueue(
            OfferOpening(company_id=waiting.company_id, branch_ids=(waiting.branch_id,), waiting_id=waiting.id)
        )


def _behind(secret: str, clock: Clock) -> tuple[WaitlistEntry, Offer]:
    company_id, waiting_id, offer_id = behind(secret, clock)
    waiting = waitlist_store.find(company_id, waiting_id)
    offer = waiting.offer_of(offer_id) if waiting else None
    if waiting is None or offer is None:
        raise NotFound("offer_not_found", "This offer does not exist, or no longer.")
    return waiting, offer


def _check_open(offer: Offer, clock: Clock) -> None:
    over = OVER.get("lapsed" if offer.outcome == "open" and offer.until <= clock() else offer.outcome)
    if over:
        raise Conflict(over.code, over.detail)


def _standing(waiting: WaitlistEntry) -> Appointment:
    made = appointment_store.get_appointment(waiting.company_id, str(waiting.appointment_id))
    if made.status == "released":
        raise Conflict(OVER["gone"].code, OVER["gone"].detail)
    return made


def _wish(waiting: WaitlistEntry, offer: Offer, customer: Customer) -> BookingRequest:
    return BookingRequest(
        branch_id=waiting.branch_id,
        service=offer.service_id,
        starts_at=offer.starts_at,
        source=waiting.source,
        staff=offer.staff_id,
        customer_id=customer.id,
        contact=Contact(name=customer.name, phone=customer.phone, email=customer.email),
        metadata={"waiting_id": waiting.id},
        length_min=(offer.ends_at - offer.starts_at) // timedelta(minutes=1),
        visitor=waiting.visitor,
        # Whoever put him on the list: it is he who accepts, by a link.
        pays_later=True,
        hold=HoldProof(offer.hold_id, "", digest=offer.digest),
    )


def _using(waiting: WaitlistEntry, offer: Offer) -> TransactionHook:
    key = waitlist_store.key(waiting.company_id, waiting.id)

    def use(unit: Unit, booked: Booked, rows: Rows) -> None:
        current = waitlist_store.waiting_of(rows[key])
        if current is None or current.offer is None or current.offer.id != offer.id:
            raise _Meanwhile
        made = booked.appointment
        waitlist_store.save(unit, current.booked(made.id, made.created_at))
        unit.publish(
            WaitingBooked(waiting_id=waiting.id, offer_id=offer.id, branch_id=waiting.branch_id, appointment_id=made.id)
        )
        unit.audit("waiting.booked", waiting.id, ("status", "appointment_id"), appointment=made.id)

    return TransactionHook((key,), use)
