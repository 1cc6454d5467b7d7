"""What the rules look at besides the calendars: how full limits are, who is blocked, what a customer had done before.

All of it lies at keys that mostly follow from the wish and from what this process knows of the branch, so it comes in
the request that reads the calendars; what does not, in one more.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules import limit_store, limits
from chalicelib.booking.rules.blocklist import known_by
from chalicelib.booking.rules.limits import Counter
from chalicelib.booking.rules.rules import LimitUsage
from chalicelib.core.tables import Key, fetch
from chalicelib.crm.customer import Contact

Rows = dict[Key, Any]


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `tallies`: of everything with a limit that a booking with any of the staff would count to."""

    counters: Sequence[Counter] = ()
    tallies: Sequence[LimitUsage] = ()
    blocked: bool = False
    consulted: bool = True

    def that_matter(self, staff: Iterable[Staff]) -> list[LimitUsage]:
        """The tallies, without those of single members of staff as long as one of them can take more."""
        full = limits.full_staff(self.tallies)
        one_free = any(member.id not in full for member in staff)
        return [tally for tally in self.tallies if tally.what != "staff" or not one_free]

    def with_room(self, staff: Iterable[Staff]) -> list[Staff]:
        """Those who can take more."""
        full = limits.full_staff(self.tallies)
        return [member for member in staff if member.id not in full]


def block_keys(company_id: str, customer_id: str | None, contact: Contact) -> list[Key]:
    """Where it says whether whoever books is blocked."""
    named = known_by(customer_id, contact.phone, contact.email)
    return [limit_store.blocked_key(company_id, kind, value) for kind, value in named]


def keys(
    company_id: str, schedule: Schedule, service: Service, staff: Sequence[Staff], customer_id: str | None, day: date
) -> list[Key]:
    """Where the rest lies that the rules of this service look at; for a plain service, nowhere."""
    counters = limits.counters(schedule, service, staff, customer_id, day)
    found = [limit_store.counter_key(company_id, counter.name) for counter in counters]
    if service.consultation_id and customer_id:
        found.append(limit_store.done_key(company_id, customer_id, service.consultation_id))
    return found


def found(
    company_id: str,
    schedule: Schedule,
    service: Service,
    staff: Sequence[Staff],
    customer_id: str | None,
    contact: Contact,
    day: date,
    rows: Rows,
) -> RuleFacts:
    """The circumstances, out of the rows that were read; those that are missing are read now, in one request."""
    blocks = block_keys(company_id, customer_id, contact)
    needed = keys(company_id, schedule, service, staff, customer_id, day)
    # Someone found by his phone is blocked under it: his id need not be looked up as well.
    missing = [key for key in needed if key not in rows]
    rows = rows | dict(zip(missing, fetch(missing), strict=True))
    counters = limits.counters(schedule, service, staff, customer_id, day)
    booked = [limit_store.counted(rows[limit_store.counter_key(company_id, one.name)]) for one in counters]
    consulted = service.consultation_id is None
    if service.consultation_id and customer_id:
        consulted = limit_store.done(rows[limit_store.done_key(company_id, customer_id, service.consultation_id)])
    return RuleFacts(
        counters=counters,
        tallies=[one.tally(number) for one, number in zip(counters, booked, strict=True)],
        blocked=any(rows.get(key) is not None for key in blocks),
        consulted=consulted,
    )
