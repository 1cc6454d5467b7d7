"""Offering what has become free to those who wait: the best match first, with a hold, a transaction for each offer."""

from datetime import datetime, timedelta

from chalicelib.booking.allocation import time_swap
from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.alternatives.refusal import Refusal
from chalicelib.booking.appointments import hold_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.external import SLOT_TAKEN
from chalicelib.booking.appointments.hold_token import new_secret
from chalicelib.booking.availability.search import read_calendar
from chalicelib.booking.availability.search_index_store import read_index
from chalicelib.booking.availability.search_query import BranchSearch, SearchQuery
from chalicelib.booking.creation import context as booking_context
from chalicelib.booking.creation.context import BookingContext
from chalicelib.booking.creation.decided import Decided
from chalicelib.booking.creation.decision import decide_single
from chalicelib.booking.creation.hold import hold_for
from chalicelib.booking.creation.request import BookingRequest
from chalicelib.booking.events import WaitingOffered
from chalicelib.booking.jobs import MailOffer, OfferOpening
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.end_offer import take_back
from chalicelib.booking.waitlist.entry import Offer, WaitlistEntry
from chalicelib.booking.waitlist.matching import Match, best_match
from chalicelib.booking.waitlist.messages import say
from chalicelib.booking.waitlist.offer_link import make_link
from chalicelib.booking.waitlist.offer_rules import (
    CannotReach,
    FreedTime,
    kept_until,
    offered_by,
    start_window,
    texts_from,
)
from chalicelib.core.errors import Conflict, Invalid, NotFound, Stale, Unavailable
from chalicelib.core.ids import new_id
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.queues import LONGEST_DELAY_SECONDS
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import Unit
from chalicelib.crm.people import store as people
from chalicelib.crm.people.person import Person
from chalicelib.messaging import send_text
from chalicelib.messaging import store as messaging
from chalicelib.messaging.send_text import NewText

MOST_WAITING = 500
"""Of a branch: those who wait longest are looked at."""
AT_ONCE = 20
"""Offers of one job in a branch; what is left comes with the next."""
REFUSALS = 5
"""So many times that the rules refuse an entry are enough until next time."""
CALENDAR_BUSY = "calendar_busy"


def offer_opening(job: OfferOpening, context: JobContext) -> None:
    """Do the job. Doing it twice offers nothing twice: what is offered is held, and who has an offer does not wait."""
    if job.reason:
        take_back(job, context)
    if job.reason.endswith(SLOT_TAKEN) or not (job.waiting_id or waitlist_store.anyone(job.company_id)):
        return
    again = [_offer_in(job, freed, context) for freed in _freed_times(job)]
    times = [at for at in again if at is not None]
    if times:
        left = int((min(times) - context.clock()).total_seconds()) + 1
        raise Postpone(max(1, min(left, LONGEST_DELAY_SECONDS)), "more can be offered then")


def _freed_times(job: OfferOpening) -> list[FreedTime]:
    if job.branch_ids:
        return [FreedTime(branch_id, job.first, job.last) for branch_id in job.branch_ids]
    visit = appointment_store.find_appointment(job.company_id, job.appointment_id) if job.appointment_id else None
    staff_id = visit.staff_id if visit else job.staff_id
    staff = practice_store.find(Staff, job.company_id, staff_id) if staff_id else None
    # Whoever works in several branches has become free in all of them.
    branches = dict.fromkeys([*([visit.branch_id] if visit else ()), *(staff.hours if staff else ())])
    first, last = job.first or (visit.starts_at if visit else None), job.last or (visit.ends_at if visit else None)
    return [FreedTime(branch_id, first, last) for branch_id in branches]


def _offer_in(job: OfferOpening, freed: FreedTime, context: JobContext) -> datetime | None:
    """Offer all that can be; when to look again, if anything is left.

    That is at once where calendars are fought over: no fault of the job, and no reason to keep other branches waiting.
    """
    offers = _BranchOffers(job, freed, context)
    for _ in range(AT_ONCE):
        try:
            made = until_committed(offers.make_next, CALENDAR_BUSY, "Many are booking these days at once.")
        except Unavailable as error:
            if error.code != CALENDAR_BUSY:
                raise
            break
        if not made:
            return min(offers.wakes, default=None)
    return context.clock()


class _BranchOffers:
    """Makes the offers of one job in a branch, one after the other; `wakes`: when somebody can be reached again."""

    def __init__(self, job: OfferOpening, freed: FreedTime, context: JobContext) -> None:
        self.job, self.freed, self.context = job, freed, context
        self.wakes: list[datetime] = []
        self._passed: set[tuple[str, datetime]] = set()
        self._done: set[str] = set()
        self._entries = self._read()

    def make_next(self) -> bool:
        """Whether there was something left to offer. Raises Stale when someone else was faster."""
        while match := self._next_match():
            entry_id = match.entry.id
            try:
                _make(match, self.context)
            except Stale:
                self._entries = self._read()
                raise
            except CannotReach as unreachable:
                self._done.add(entry_id)
                self.wakes += [unreachable.until] if unreachable.until else []
            except (Conflict, Invalid, NotFound):
                self._passed.add((entry_id, match.candidate.starts_at))
                if sum(1 for passed_id, _ in self._passed if passed_id == entry_id) >= REFUSALS:
                    self._done.add(entry_id)
            else:
                self._done.add(entry_id)
                return True
        return False

    def _read(self) -> list[WaitlistEntry]:
        company_id, branch_id, newest = self.job.company_id, self.freed.branch_id, self.job.waiting_id
        found = {entry.id: entry for entry in waitlist_store.open_in(company_id, branch_id, MOST_WAITING)}
        if newest and newest not in found:
            added = waitlist_store.find(company_id, newest)
            found |= {added.id: added} if added and added.branch_id == branch_id else {}
        return list(found.values())

    def _next_match(self) -> Match | None:
        company_id, now = self.job.company_id, self.context.clock()
        entries = [entry for entry in self._entries if entry.id not in self._done and entry.may_be_offered(now)]
        if not entries:
            return None
        try:
            index = read_index(company_id, self.freed.branch_id, now)
        except NotFound:  # closed for good since
            return None
        service_ids = {service_id for entry in entries for service_id in entry.service_ids}
        services = [service for service in index.services if service.id in service_ids]
        window = start_window(self.freed, index.zone, entries, now)
        if not services or window[0] >= window[1]:
            return None
        longest = max((entry.length_min or 0 for entry in entries), default=0) or None
        query = SearchQuery(branch_ids=(index.branch_id,), services=(), length_min=longest)
        calendar = read_calendar(BranchSearch(company_id, index, services, window, query), now)
        return best_match(calendar, entries, self._passed)


def _make(match: Match, context: JobContext) -> None:
    """Keep the time for the entry and tell its customer, in one transaction.

    Raises Stale when someone else was faster, Conflict or Invalid for a time that the rules do not allow them,
    CannotReach when nothing can be offered to them now.
    """
    entry, now = match.entry, context.clock()
    customer = people.get(entry.company_id, entry.customer_id)
    refusal_key = messaging.refusal_key(entry.company_id, customer.phone) if customer.phone else None
    request = _booking_request(match, customer)
    branch = booking_context.read(entry.company_id, request, [refusal_key] if refusal_key else [])
    schedule = branch.schedule
    refusal = messaging.refusal_of(branch.rows[refusal_key]) if refusal_key else None
    by = offered_by(customer, schedule.branch, now, refuses_texts=bool(refusal and refusal.texts))
    booking = BookingContext(request=request, branch=branch, record_id=new_id("hld"), now=now, customer_id=customer.id)
    decided = _decided(booking)
    until = kept_until(request.starts_at, decided.verdict.policy, now)
    _, token_digest = new_secret()  # kept by nobody: the offer is the proof
    hold = hold_for(booking, decided, token_digest, until)
    offer = Offer(
        id=new_id("ofr"),
        service_id=hold.service_id,
        staff_id=hold.staff_id,
        starts_at=hold.starts_at,
        ends_at=hold.ends_at,
        until=until,
        hold_id=hold.id,
        token_digest=token_digest,
        by=by,
        made_at=now,
    )
    unit = context.unit(entry.company_id)
    time_swap.swap(unit, branch.by_owner(), {}, hold.lies(), now)
    hold_store.add(unit, hold)
    waitlist_store.save(unit, entry.offered(offer, now))
    _tell(unit, entry, offer, schedule, customer)
    unit.publish(
        WaitingOffered(
            waiting_id=entry.id,
            offer_id=offer.id,
            branch_id=entry.branch_id,
            service_id=offer.service_id,
            starts_at=offer.starts_at,
            until=until,
        )
    )
    unit.audit("waiting.offered", entry.id, ("status",), offer=offer.id)
    unit.commit()


def _tell(unit: Unit, entry: WaitlistEntry, offer: Offer, schedule: Schedule, customer: Person) -> None:
    if offer.by == "mail":
        unit.enqueue(MailOffer(company_id=entry.company_id, waiting_id=entry.id, offer_id=offer.id))
        return
    assert customer.phone, "whoever is reached by text has a number"
    words = say("text", schedule, offer, make_link(unit, entry, offer))
    sender = texts_from(schedule.branch)
    text = NewText(to=customer.phone, sender=sender, body=words, purpose="waiting_offer")
    send_text.stage_text(unit, text, offer.made_at)


def _booking_request(match: Match, customer: Person) -> BookingRequest:
    entry, candidate = match.entry, match.candidate
    # Where staff are named or preferred, it is the first of those; else the branch's own way of assigning decides.
    chosen = bool(entry.staff_ids) or entry.prefer != Preference()
    length_min = (candidate.ends_at - candidate.starts_at) // timedelta(minutes=1)
    return BookingRequest(
        customer_id=customer.id,
        contact=customer.contact(),
        branch_id=entry.branch_id,
        service=candidate.service_id,
        starts_at=candidate.starts_at,
        length_min=length_min if entry.length_min else None,
        staff=candidate.staff_ids[0] if chosen else None,
        visitor=entry.visitor,
        pays_later=True,
    )


def _decided(booking: BookingContext) -> Decided:
    try:
        return decide_single(booking)
    except Refusal as refusal:
        if not refusal.other_times_help:
            raise CannotReach from None
        raise
