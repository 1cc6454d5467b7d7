"""Answers to offers: accepted they become appointments, declined the next one is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.change_context import ChangeContext
from chalicelib.booking.appointments.external import BookingProvider, connect
from chalicelib.booking.appointments.hold import HoldProof
from chalicelib.booking.changes.book_online import book_online
from chalicelib.booking.creation.book import BUSY, Booked, TransactionHook
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.events import WaitingBooked
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.facts import Rows
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.end_offer import end_offer
from chalicelib.booking.waitlist.entry import Offer, Outcome, WaitlistEntry
from chalicelib.booking.waitlist.offer_link import find_offer
from chalicelib.core.clock import Clock
from chalicelib.core.errors import Conflict, Invalid, NotFound, Stale
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import CompanyUnitFactory, Unit
from chalicelib.crm.people import store as people

ENDED: dict[Outcome, Conflict] = {
    "accepted": Conflict("offer_accepted", "This was accepted and is booked; cancel the appointment instead."),
    "declined": Conflict("offer_declined", "This was declined, and the time offered to others."),
    "lapsed": Conflict("offer_expired", "This offer has expired; the time may have been given to others."),
    "withdrawn": Conflict("offer_withdrawn", "You are no longer on the waiting list."),
    "gone": Conflict("offer_withdrawn", "This time turned out to be taken; you are on the waiting list again."),
}


class _AnsweredMeanwhile(Exception):
    """The offer changed while it was being accepted."""


class AnsweredOffer(msgspec.Struct, frozen=True):
    """What became of an offer; `appointment` when it was accepted."""

    offer: Offer
    appointment: Appointment | None = None


def look(secret: str, clock: Clock) -> tuple[AnsweredOffer, Schedule]:
    """The offer behind a link, and the branch it is made by. Raises NotFound."""
    entry, offer = _find(secret, clock)
    offer = msgspec.structs.replace(offer, outcome=offer.outcome_at(clock()))
    return AnsweredOffer(offer), practice_store.get_schedule(entry.company_id, entry.branch_id)


def accept(
    new_unit: CompanyUnitFactory, secret: str, clock: Clock, connect: Callable[[str], BookingProvider] = connect
) -> AnsweredOffer:
    """Book it: the hold becomes the appointment, and the entry is `booked`, in one transaction.

    Accepting twice gives the same appointment. Raises NotFound, Conflict `offer_expired`, `offer_declined` or
    `offer_withdrawn`, and what `book` raises where the rules have come to refuse it.
    """

    def attempt() -> AnsweredOffer:
        entry, offer = _find(secret, clock)
        if offer.outcome == "accepted" and entry.appointment_id:
            return AnsweredOffer(offer, _appointment(entry))
        _check_open(offer, clock())
        try:
            company_id = entry.company_id
            context = ChangeContext[Appointment](lambda: new_unit(company_id), company_id, clock, connect=connect)
            appointment = book_online(context, _booking_request(entry, offer), _mark_booked(entry, offer))
        except _AnsweredMeanwhile:
            raise Stale from None
        except (NotFound, Conflict) as refusal:
            if refusal.code not in ("hold_not_found", "hold_expired"):
                raise
            # Somebody else's answer used the hold, or it lapsed just now: the record says which.
            raise Stale from None
        except Invalid:
            raise Conflict("offer_withdrawn", "This is not offered any more.") from None
        return AnsweredOffer(offer, appointment)

    return until_committed(attempt, "calendar_busy", BUSY)


def decline(new_unit: CompanyUnitFactory, secret: str, clock: Clock) -> AnsweredOffer:
    """Give the time back, and have the next one asked; the customer waits on, and is not offered this time again.

    Declining twice is the same as once. Raises NotFound, Conflict `offer_accepted`, `offer_expired`.
    """

    def attempt() -> AnsweredOffer:
        entry, offer = _find(secret, clock)
        if offer.outcome == "declined":
            return AnsweredOffer(offer)
        _check_open(offer, clock())
        unit = new_unit(entry.company_id)
        after = end_offer(unit, entry, "declined", clock)
        unit.audit("waiting.offer_declined", entry.id, ("status",), offer=offer.id)
        unit.commit()
        return AnsweredOffer(after.offers[-1])

    return until_committed(attempt, "calendar_busy", BUSY)


def _find(secret: str, clock: Clock) -> tuple[WaitlistEntry, Offer]:
    company_id, waiting_id, offer_id = find_offer(secret, clock)
    entry = waitlist_store.find(company_id, waiting_id)
    offer = entry.offer_of(offer_id) if entry else None
    if entry is None or offer is None:
        raise NotFound("offer_not_found", "This offer does not exist, or no longer.")
    return entry, offer


def _check_open(offer: Offer, now: datetime) -> None:
    outcome = offer.outcome_at(now)
    if outcome != "open":
        raise Conflict(ENDED[outcome].code, ENDED[outcome].detail)


def _appointment(entry: WaitlistEntry) -> Appointment:
    made = appointment_store.get_appointment(entry.company_id, str(entry.appointment_id))
    if made.status == "released":
        raise Conflict(ENDED["gone"].code, ENDED["gone"].detail)
    return made


def _booking_request(entry: WaitlistEntry, offer: Offer) -> BookingRequest:
    customer = people.get(entry.company_id, entry.customer_id)
    return BookingRequest(
        branch_id=entry.branch_id,
        service=offer.service_id,
        starts_at=offer.starts_at,
        source=entry.source,
        staff=offer.staff_id,
        customer_id=customer.id,
        contact=customer.contact(),
        metadata={"waiting_id": entry.id},
        length_min=(offer.ends_at - offer.starts_at) // timedelta(minutes=1),
        visitor=entry.visitor,
        # Whoever put the customer on the list: it is the customer who accepts, by a link.
        pays_later=True,
        hold=HoldProof(offer.hold_id, "", digest=offer.token_digest),
    )


def _mark_booked(entry: WaitlistEntry, offer: Offer) -> TransactionHook:
    key = waitlist_store.key(entry.company_id, entry.id)

    def stage(unit: Unit, booked: Booked, rows: Rows) -> None:
        current = waitlist_store.entry_of(rows[key])
        if current is None or current.offer is None or current.offer.id != offer.id:
            raise _AnsweredMeanwhile
        appointment = booked.appointment
        waitlist_store.save(unit, current.booked(appointment.id, appointment.created_at))
        unit.publish(
            WaitingBooked(
                waiting_id=entry.id, offer_id=offer.id, branch_id=entry.branch_id, appointment_id=appointment.id
            )
        )
        unit.audit("waiting.booked", entry.id, ("status", "appointment_id"), appointment=appointment.id)

    return TransactionHook((key,), stage)
