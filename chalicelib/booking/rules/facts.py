"""What the rules look at besides the calendars: how full limits are, who is blocked, what a customer had done before.

All of it lies at keys that mostly follow from the request and from what this process knows of the branch, so it comes
in the request that reads the calendars; what does not, in one more.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from chalicelib.booking.practice.models import Staff
from chalicelib.booking.rules import limit_store, limits
from chalicelib.booking.rules.blocklist import known_by
from chalicelib.booking.rules.limits import Counter, LimitQuery
from chalicelib.booking.rules.rules import LimitUsage
from chalicelib.core.tables import Key, fetch_map
from chalicelib.crm.contact_points.contact import Contact

Rows = Mapping[Key, Any]


class RuleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `usages`: of every limit that a booking with any of the staff would count to, by its counter."""

    usages: Mapping[Counter, LimitUsage] = {}
    blocked: bool = False
    consulted: bool = True

    def that_matter(self, staff: Iterable[Staff]) -> list[LimitUsage]:
        """The usages, without those of single members of staff as long as one of them can take more."""
        one_free = bool(self.with_room(staff))
        return [usage for usage in self.usages.values() if usage.what != "staff" or not one_free]

    def with_room(self, staff: Iterable[Staff]) -> list[Staff]:
        """Those who can take more."""
        full = limits.full_staff(self.usages.values())
        return [member for member in staff if member.id not in full]

    def without(self, names: Collection[str]) -> "RuleFacts":
        """The same without the counters of these names: what counts to them already takes no more of them."""
        left = {counter: usage for counter, usage in self.usages.items() if counter.name not in names}
        return msgspec.structs.replace(self, usages=left)


def block_keys(company_id: str, customer_id: str | None, contact: Contact) -> list[Key]:
    """Where it says whether whoever books is blocked."""
    named = known_by(customer_id, contact.phone, contact.email)
    return [limit_store.blocked_key(company_id, kind, value) for kind, value in named]


def keys(query: LimitQuery) -> list[Key]:
    """Where the rest lies that the rules of a service look at; for a plain service, nowhere."""
    found = [limit_store.counter_key(query.company_id, counter.name) for counter in query.counters()]
    if query.service.consultation_id and query.customer_id:
        found.append(limit_store.done_key(query.company_id, query.customer_id, query.service.consultation_id))
    return found


def read(query: LimitQuery, contact: Contact, rows: Rows) -> RuleFacts:
    """The facts, out of the rows that were read; those that are missing are read now, in one request."""
    company_id, service = query.company_id, query.service
    # Whoever is found by phone is blocked under it: their id need not be looked up as well.
    blocks = block_keys(company_id, query.customer_id, contact)
    rows = {**rows, **fetch_map(key for key in keys(query) if key not in rows)}
    consulted = service.consultation_id is None
    if service.consultation_id and query.customer_id:
        consulted = limit_store.done(rows[limit_store.done_key(company_id, query.customer_id, service.consultation_id)])
    return RuleFacts(
        usages={
            counter: counter.usage(limit_store.counted(rows[limit_store.counter_key(company_id, counter.name)]))
            for counter in query.counters()
        },
        blocked=any(rows.get(key) is not None for key in blocks),
        consulted=consulted,
    )


def full_days(query: LimitQuery, days: Sequence[date], rows: Rows) -> set[tuple[str, date]]:
    """The local days on which a limit is reached: of a member of staff, by id, or ("") of everyone.

    Counters as in `rows`; those that are missing are read, in one request.
    """
    queries = [msgspec.structs.replace(query, day=day) for day in days]
    rows = {**rows, **fetch_map(key for one in queries for key in keys(one) if key not in rows)}
    return {
        (usage.record_id if usage.what == "staff" else "", one.day)
        for one in queries
        for usage in read(one, Contact(), rows).usages.values()
        if usage.full
    }
