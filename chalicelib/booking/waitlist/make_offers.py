"""Offering what has become free to those who wait: the best match first, with a hold, a transaction for each offer."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.alternatives.refusal import Refusal
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.hold_token import new_secret
from chalicelib.booking.availability.search import branch_calendar_of
from chalicelib.booking.availability.search_index_store import read_compiled
from chalicelib.booking.calendar import store as calendar_store
from chalicelib.booking.creation import book
from chalicelib.booking.creation import context as booking_context
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decision
from chalicelib.booking.creation.decision import decide_single
from chalicelib.booking.creation.hold import hold_for
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.engine.clocks import day_of, day_start, minute_of
from chalicelib.booking.events import WaitingOffered
from chalicelib.booking.jobs import MailOffer, OfferOpening
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch, Staff
from chalicelib.booking.practice.policy import Policy
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.answer_offer import take_back
from chalicelib.booking.waitlist.entry import Candidate, Offer, WaitlistEntry
from chalicelib.booking.waitlist.matching import Match, best_match
from chalicelib.booking.waitlist.messages import say
from chalicelib.booking.waitlist.offer_link import make_link, told
from chalicelib.core.errors import Conflict, Invalid, NotFound, Stale
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.phones import takes_texts
from chalicelib.core.queues import LONGEST_DELAY_SECONDS
from chalicelib.core.tables import Key
from chalicelib.crm import store as crm
from chalicelib.crm.customer import Contact, Customer
from chalicelib.messaging import send_text
from chalicelib.messaging import store as messaging
from chalicelib.messaging.send_text import NewText

REACH = timedelta(days=92)
"""How far ahead offers are made; every day another day comes within reach."""
MOST_WAITING = 500
"""Of a branch: those who wait longest are looked at."""
AT_ONCE = 20
"""Offers of one job in a branch; what is left comes with the next."""
REFUSALS = 5
"""So many times that the rules refuse someone are enough until next time."""
SHORTEST = timedelta(minutes=3)
TAKEN_THERE = "calcom_slot_taken"


class _CannotHave(Exception):
    """Nothing can be offered to him now; `until`: before when."""

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__()
        self.until = until


class FreedTime(msgspec.Struct, frozen=True):
    """Days of a branch on which something may have become free; None: whenever."""

    branch_id: str
    first: datetime | None = None
    last: datetime | None = None


def offer_opening(job: OfferOpening, context: JobContext) -> None:
    """Do the job. Doing it twice offers nothing twice: what is offered is held, and who has an offer does not wait."""
    if job.reason:
        take_back(job, context)
    if job.reason == TAKEN_THERE or not (job.waiting_id or waitlist_store.anyone(job.company_id)):
        return
    again = [_offer_in(job.company_id, opening, job.waiting_id, context) for opening in _openings(job)]
    times = [at for at in again if at is not None]
    if times:
        left = int((min(times) - context.clock()).total_seconds()) + 1
        raise Postpone(max(1, min(left, LONGEST_DELAY_SECONDS)), "more can be offered then")


def _openings(job: OfferOpening) -> list[FreedTime]:
    if job.branch_ids:
        return [FreedTime(branch_id, job.first, job.last) for branch_id in job.branch_ids]
    visit = appointment_store.find_appointment(job.company_id, job.appointment_id) if job.appointment_id else None
    staff_id = visit.staff_id if visit else job.staff_id
    member = practice_store.find(Staff, job.company_id, staff_id) if staff_id else None
    # Whoever works in several branches has become free in all of them.
    branches = dict.fromkeys([*([visit.branch_id] if visit else ()), *(member.hours if member else ())])
    first, last = job.first or (visit.starts_at if visit else None), job.last or (visit.ends_at if visit else None)
    return [FreedTime(branch_id, first, last) for branch_id in branches]


def _offer_in(company_id: str, opening: FreedTime, newest: str, context: JobContext) -> datetime | None:
    """Offer all that can be; when to look again, if anything is left."""
    people = _people(company_id, opening.branch_id, newest)
    passed: set[tuple[str, datetime]] = set()
    resting: set[str] = set()
    wakes: list[datetime] = []
    made = lost = 0
    while made < AT_ONCE and lost < book.TRIES:
        match = _match(company_id, opening, [one for one in people if one.id not in resting], passed, context)
        if match is None:
            return min(wakes, default=None)
        waiting = match.waiting
        try:
            _make(match, context)
            made += 1
            resting.add(waiting.id)
        except Stale:
            lost += 1
            book.pause(random.uniform(0, 0.05))
            people = _people(company_id, opening.branch_id, newest)
        except _CannotHave as refusal:
            resting.add(waiting.id)
            wakes += [refusal.until] if refusal.until else []
        except (Conflict, Invalid, NotFound):
            passed.add((waiting.id, match.chance.starts_at))
            if sum(1 for who, _ in passed if who == waiting.id) >= REFUSALS:
                resting.add(waiting.id)
    return context.clock()


def _people(company_id: str, branch_id: str, newest: str) -> list[WaitlistEntry]:
    found = {one.id: one for one in waitlist_store.open_in(company_id, branch_id, MOST_WAITING)}
    if newest and newest not in found:
        added = waitlist_store.find(company_id, newest)
        found |= {added.id: added} if added and added.branch_id == branch_id else {}
    return list(found.values())


def _match(
    company_id: str,
    opening: FreedTime,
    people: Sequence[WaitlistEntry],
    passed: set[tuple[str, datetime]],
    context: JobContext,
) -> Match | None:
    now = context.clock()
    people = [one for one in people if one.may_be_offered(now)]
    if not people:
        return None
    try:
        branch = read_compiled(company_id, opening.branch_id, now)
    except NotFound:  # closed for good since
        return None
    wanted = {service_id for one in people for service_id in one.service_ids}
    services = [service for service in branch.services if service.id in wanted]
    window = _window(opening, branch.zone, people, now)
    if not services or window[0] >= window[1]:
        return None
    longest = max((one.length_min or 0 for one in people), default=0) or None
    return best_match(branch_calendar_of(company_id, branch, services, longest, window, now), people, passed)


def _window(opening: FreedTime, zone: str, people: Iterable[WaitlistEntry], now: datetime) -> tuple[int, int]:
    """The minutes in which something may begin that was opened and that somebody wants."""
    latest = max(one.last_day() for one in people).toordinal()
    first, last = minute_of(now), min(minute_of(now + REACH), day_start(zone, latest + 1))
    if opening.first:
        first = max(first, day_start(zone, day_of(zone, minute_of(opening.first))))
    if opening.last:
        last = min(last, day_start(zone, day_of(zone, minute_of(opening.last)) + 1))
    return first, last


def _make(match: Match, context: JobContext) -> None:
    """Keep the time for him and tell him, in one transaction.

    Raises Stale when someone else was faster, Conflict or Invalid for a time that the rules do not give him.
    """
    waiting, chance, now = match.waiting, match.chance, context.clock()
    company_id = waiting.company_id
    customer = crm.get_customer(company_id, waiting.customer_id)
    drafted, by = _drafted(_request(waiting, chance, customer), customer, now)
    found, decision = drafted.schedule, _decided(drafted)
    until = _until(chance.starts_at, decision.policy, now)
    _, kept = new_secret()  # kept by nobody: the offer is the proof
    hold = hold_for(drafted, decision, kept, until)
    offer = Offer(
        id=new_id("ofr"),
        service_id=hold.service_id,
        staff_id=hold.staff_id,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        until=until,
        hold_id=hold.id,
        digest=kept,
        by=by,
        made_at=now,
    )
    unit = context.unit(company_id)
    for calendar in decision.choice.calendars():
        calendar_store.take(unit, calendar, hold.entry(), now)
    hold_store.add(unit, hold)
    waitlist_store.save(unit, waiting.offered(offer, now))
    if by == "text":
        branch = found.branch
        assert customer.phone, "whoever is reached by text has a number"
        words = say("text", branch.language, told(found, offer, make_link(unit, waiting, offer)))
        text = NewText(to=customer.phone, sender=_sender(branch), body=words, purpose="waiting_offer")
        send_text.stage_text(unit, text, now)
    else:
        unit.enqueue(MailOffer(company_id=company_id, waiting_id=waiting.id, offer_id=offer.id))
    unit.publish(
        WaitingOffered(
            waiting_id=waiting.id,
            offer_id=offer.id,
            branch_id=waiting.branch_id,
            service_id=offer.service_id,
            starts_at=offer.starts_at,
            until=until,
        )
    )
    unit.audit("waiting.offered", waiting.id, ("status",), offer=offer.id)
    unit.commit()


def _request(waiting: WaitlistEntry, chance: Candidate, customer: Customer) -> BookingRequest:
    # Who has a wish about staff gets the one he would rather have; else the branch's own way of assigning decides.
    chosen = bool(waiting.staff_ids) or waiting.prefer != Preference()
    return BookingRequest(
        customer_id=customer.id,
        contact=Contact(phone=customer.phone, email=customer.email),
        branch_id=waiting.branch_id,
        service=chance.service_id,
        starts_at=chance.starts_at,
        length_min=(chance.ends_at - chance.starts_at) // timedelta(minutes=1) if waiting.length_min else None,
        staff=chance.staff_ids[0] if chosen else None,
        visitor=waiting.visitor,
        pays_later=True,
    )


def _drafted(
    request: BookingRequest, customer: Customer, now: datetime
) -> tuple[BookingContext, Literal["text", "mail"]]:
    """What was read for the offer, and how the customer hears of it."""
    company_id = customer.company_id
    refusal: list[Key] = [messaging.refusal_key(company_id, customer.phone)] if customer.phone else []
    branch = booking_context.read(company_id, request, refusal)
    refused = messaging.refusal_of(branch.rows[refusal[0]]) if refusal else None
    by = _reached(customer, branch.schedule.branch, bool(refused and refused.texts), now)
    context = BookingContext(request=request, branch=branch, record_id=new_id("hld"), now=now, customer_id=customer.id)
    return context, by


def _decided(context: BookingContext) -> Decision:
    try:
        return decide_single(context)
    except Refusal as refusal:
        if not refusal.other_times_help:
            raise _CannotHave from None
        raise


def _reached(customer: Customer, branch: Branch, refused: bool, now: datetime) -> Literal["text", "mail"]:
    """How he hears of it: by text where he can get one, by mail where not, or while texts would disturb."""
    texted = bool(customer.phone and _sender(branch) and not refused and takes_texts(customer.phone))
    awake_at = branch.next_outbound(now) if branch.quiet_hours.texts else now
    if texted and awake_at <= now:
        return "text"
    if customer.email:
        return "mail"
    raise _CannotHave(awake_at if texted else None)


def _sender(branch: Branch) -> str:
    return branch.call_routing.text_from or branch.phone or ""


def _until(starts_at: datetime, policy: Policy, now: datetime) -> datetime:
    """On a whole minute, as calendars keep it; never so late that the rules would refuse the appointment by then."""
    notice = 0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0
    latest = starts_at - timedelta(minutes=notice)
    until = min(now + timedelta(minutes=policy.waiting_offer_min or 0), latest).replace(second=0, microsecond=0)
    if until - now < SHORTEST:
        raise Conflict("too_late", "There is no time left to answer.")
    return until
