"""An entry of the waiting list: what a customer would like, which free time suits it, who goes first; pure."""

from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.allocation.assignment import Preference
from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.practice.hours import DAY_MINUTES, Span

LASTS = timedelta(days=30)
LONGEST = timedelta(days=180)
LOOKED_AT_EVERY = timedelta(days=1)
"""How often each entry is looked at whatever happens: days come within reach and holds lapse without an event."""
MOST_OFFERS = 50
"""An entry that has had so many gets no more; also what a record can hold."""
MOST_UNANSWERED = 3
"""Whoever left so many in a row unanswered is asked no more: it may be a stranger's number that somebody mistyped."""
Status = Literal["waiting", "offered", "booked", "withdrawn", "expired"]
OPEN = frozenset({"waiting", "offered"})
Outcome = Literal["open", "accepted", "declined", "lapsed", "withdrawn", "gone"]
"""`gone`: accepted, and then the provider did not have the time. `withdrawn`: the customer left the list."""


class Range(msgspec.Struct, frozen=True):
    """Dates of the branch's clock, both included."""

    first: date
    last: date


class Candidate(msgspec.Struct, frozen=True):
    """A free time on the branch's clock: `start` and `end` in minutes of the local `day`, `end` maybe past midnight."""

    service_id: str
    starts_at: datetime
    ends_at: datetime
    day: date
    start: int
    end: int
    staff_ids: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A time that is kept for someone until `until`, by a hold; `token_digest` is that of the hold's own secret.

    Nobody has that secret: the link to the offer is the proof. Instants in UTC.
    """

    id: str
    service_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    hold_id: str
    token_digest: str
    by: Literal["text", "mail"]
    outcome: Outcome = "open"
    made_at: datetime

    def outcome_at(self, now: datetime) -> Outcome:
        """What has become of it; an open offer has lapsed once `until` has come, whether or not that was noted."""
        return "lapsed" if self.outcome == "open" and self.until <= now else self.outcome


class WaitlistTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Which times would do. `days` and `weekdays` (0 = Monday) say on which dates, `times` between which minutes of the
    local day; none given: any. `prefer`: who it is to be where nobody is named. `length_min`: of a service whose length
    the customer chooses. `visitor`: the customer added it, and is offered nothing and nobody unpublished.
    """

    branch_id: str
    days: tuple[Range, ...] = ()
    weekdays: tuple[int, ...] = ()
    times: tuple[Span, ...] = ()
    prefer: Preference = Preference()
    length_min: int | None = None
    visitor: bool = False
    source: Literal["api", "web", "mobile"] = "api"


class WaitlistEntry(WaitlistTerms, frozen=True, kw_only=True):
    """`service_ids` and `staff_ids` in order of preference; no staff: anyone, or whoever fits `prefer`.

    `look_at`: when it is looked at next if nothing happens before. `offers`: all it has had, the newest last. Instants
    in UTC.
    """

    id: str
    company_id: str
    customer_id: str
    service_ids: tuple[str, ...]
    staff_ids: tuple[str, ...] = ()
    status: Status = "waiting"
    offers: tuple[Offer, ...] = ()
    appointment_id: str | None = None
    expires_at: datetime
    look_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def offer(self) -> Offer | None:
        """What is offered now."""
        return self.offers[-1] if self.status == "offered" else None

    @property
    def due_at(self) -> datetime:
        """When the clock has something to do with it."""
        return self.offer.until if self.offer else min(self.expires_at, self.look_at)

    def offer_of(self, offer_id: str) -> Offer | None:
        """One of those it has had."""
        return next((one for one in self.offers if one.id == offer_id), None)

    def may_be_offered(self, now: datetime) -> bool:
        """Whether it waits for an offer."""
        newest = [offer.outcome for offer in self.offers[-MOST_UNANSWERED:]]
        silent = newest == ["lapsed"] * MOST_UNANSWERED
        return self.status == "waiting" and self.expires_at > now and len(self.offers) < MOST_OFFERS and not silent

    def accepts(self, staff: IndexedStaff) -> bool:
        """Whether it may be this member of staff."""
        named = not self.staff_ids or staff.id in self.staff_ids
        seen = staff.published or not self.visitor
        return seen and named and staff.suits(self.prefer.gender, self.prefer.language, self.prefer.skill)

    def fits(self, candidate: Candidate) -> bool:
        """Whether the time would do, from its start to its end, and was not turned down before."""
        return (
            self._wants(candidate)
            # Whoever turned down ten o'clock is not offered a quarter past.
            and not any(old.starts_at < candidate.ends_at and candidate.starts_at < old.ends_at for old in self.offers)
        )

    def is_met_by(self, booked: Candidate) -> bool:
        """Whether an appointment at that time, with its staff, is what they wait for."""
        return self._wants(booked) and (not self.staff_ids or any(one in self.staff_ids for one in booked.staff_ids))

    def _wants(self, candidate: Candidate) -> bool:
        return (
            candidate.service_id in self.service_ids
            and (not self.days or any(one.first <= candidate.day <= one.last for one in self.days))
            and (not self.weekdays or candidate.day.weekday() in self.weekdays)
            and (not self.times or any(one.start <= candidate.start and candidate.end <= one.end for one in self.times))
        )

    def rank(self, candidate: Candidate) -> tuple[bool, bool, int, datetime, str]:
        """The lowest goes first, and no two are alike.

        Entries that name staff come first, then those it fits to the minute, those that fit less often, the oldest.
        """
        exact = any((one.start, one.end) == (candidate.start, candidate.end) for one in self.times)
        return not self.staff_ids, not exact, self.breadth(), self.created_at, self.id

    def breadth(self) -> int:
        """In how many minutes, all in all, an appointment could take place: on any day until it expires, if none are
        named.
        """
        ranges = self.days or (Range(self.created_at.date(), self.expires_at.date()),)
        dates = (one.first + timedelta(days=n) for one in ranges for n in range((one.last - one.first).days + 1))
        days = sum(1 for day in dates if not self.weekdays or day.weekday() in self.weekdays)
        return days * (sum(one.end - one.start for one in self.times) if self.times else DAY_MINUTES)

    def last_day(self) -> date:
        """The last date that would do."""
        return max((one.last for one in self.days), default=self.expires_at.date())

    def offered(self, offer: Offer, now: datetime) -> "WaitlistEntry":
        """The next version, which has this offer."""
        return self._changed(now, status="offered", offers=(*self.offers, offer))

    def booked(self, appointment_id: str, now: datetime) -> "WaitlistEntry":
        """The next version: the offer was accepted."""
        return self._changed(now, status="booked", appointment_id=appointment_id, offers=self._ended("accepted"))

    def served(self, appointment_id: str, now: datetime) -> "WaitlistEntry":
        """The next version: they have booked what they waited for, by themselves."""
        offers = self._ended("withdrawn") if self.offer else self.offers
        return self._changed(now, status="booked", appointment_id=appointment_id, offers=offers)

    def again(self, outcome: Outcome, now: datetime) -> "WaitlistEntry":
        """The next version: its newest offer came to nothing, so it waits on, if it has time left."""
        status: Status = "waiting" if self.expires_at > now else "expired"
        return self._changed(now, status=status, appointment_id=None, offers=self._ended(outcome))

    def withdrawn(self, now: datetime) -> "WaitlistEntry":
        """The next version: off the list."""
        offers = self._ended("withdrawn") if self.offer else self.offers
        return self._changed(now, status="withdrawn", offers=offers)

    def expired(self, now: datetime) -> "WaitlistEntry":
        """The next version: it has waited long enough."""
        return self._changed(now, status="expired")

    def looked_at(self, now: datetime) -> "WaitlistEntry":
        """The next version: it is looked at again in a day."""
        return self._changed(now, look_at=now + LOOKED_AT_EVERY)

    def _ended(self, outcome: Outcome) -> tuple[Offer, ...]:
        return (*self.offers[:-1], msgspec.structs.replace(self.offers[-1], outcome=outcome))

    def _changed(self, now: datetime, **fields: object) -> "WaitlistEntry":
        return msgspec.structs.replace(self, **fields, updated_at=now, version=self.version + 1)


def candidate_at(
    service_id: str, starts_at: datetime, ends_at: datetime, staff_ids: tuple[str, ...], clock: ZoneInfo
) -> Candidate:
    """A free time, as the branch's clock shows it."""
    first, last = starts_at.astimezone(clock), ends_at.astimezone(clock)
    past = (last.date() - first.date()).days * DAY_MINUTES
    start, end = first.hour * 60 + first.minute, past + last.hour * 60 + last.minute
    return Candidate(service_id, starts_at, ends_at, first.date(), start, end, staff_ids)
