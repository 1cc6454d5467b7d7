"""What a search must know of the customer it is for: whether they are blocked, what they had done before, their limits.

It is what a booking would look at, at the same keys; one request for each branch.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from chalicelib.booking.availability.search_index import SearchIndex
from chalicelib.booking.availability.search_query import BranchSearch
from chalicelib.booking.engine.clocks import day_of
from chalicelib.booking.practice.models import Service
from chalicelib.booking.rules import limit_store
from chalicelib.booking.rules.limits import Counter, periods
from chalicelib.core.errors import NotFound
from chalicelib.core.tables import fetch_map
from chalicelib.crm.people import store as people


class CustomerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """`blocked` and `unconsulted`: ids of services that they cannot book for it; `full`: by service id, local days."""

    blocked: frozenset[str] = frozenset()
    unconsulted: frozenset[str] = frozenset()
    full: dict[str, frozenset[int]] = {}

    def refusals(self, service: Service) -> list[str]:
        """The reasons for which they cannot book the service at any time."""
        named = (("blocked", self.blocked), ("consultation_required", self.unconsulted))
        return [code for code, services in named if service.id in services]

    def with_consultations(self, index: SearchIndex, services: Sequence[Service]) -> list[Service]:
        """The services, each that they need a consultation for after that consultation, where the branch offers it."""
        found: dict[str, Service] = {}
        for service in services:
            first = index.service(service.consultation_id or "") if service.id in self.unconsulted else None
            if first and not first.mobile:
                found.setdefault(first.id, first)
            found.setdefault(service.id, service)
        return list(found.values())


ANYBODY = CustomerLimits()


def read_limits(search: BranchSearch, customer_id: str) -> CustomerLimits:
    """What holds for the customer in a search; raises NotFound. One request."""
    company_id, index = search.company_id, search.index
    services = {service.id: service for service in search.services}
    for service in search.services:
        consultation = index.service(service.consultation_id or "")
        if consultation:
            services.setdefault(consultation.id, consultation)
    days = range(day_of(index.zone, search.window[0]), day_of(index.zone, search.window[1]) + 1)
    counters = {service.id: _counters(service, customer_id, days) for service in services.values()}
    whom, blocked = people.key(company_id, customer_id), limit_store.blocked_key(company_id, "customer", customer_id)
    first = {s.id: s.consultation_id for s in search.services if s.consultation_id and _holds(s, "consultation")}
    done = {service_id: limit_store.done_key(company_id, customer_id, one) for service_id, one in first.items()}
    counted = {c: limit_store.counter_key(company_id, c.name) for of in counters.values() for _, c in of}
    rows = fetch_map([whom, blocked, *done.values(), *counted.values()])
    if rows[whom] is None:
        raise NotFound("customer_not_found", f"There is no customer {customer_id}.")
    return CustomerLimits(
        blocked=frozenset(s.id for s in services.values() if rows[blocked] is not None and _holds(s, "blocklist")),
        unconsulted=frozenset(service_id for service_id, key in done.items() if not limit_store.done(rows[key])),
        full={
            service_id: frozenset(day for day, c in of if limit_store.counted(rows[counted[c]]) >= c.most)
            for service_id, of in counters.items()
        },
    )


def _holds(service: Service, rule: str) -> bool:
    return rule not in service.policy.off


def _counters(service: Service, customer_id: str, days: Iterable[int]) -> list[tuple[int, Counter]]:
    if not _holds(service, "limits"):
        return []
    return [
        (day, Counter("customer", customer_id, "customer", period.key, period.most))
        for day in days
        for period in periods(service.policy.customer_limits, date.fromordinal(day))
    ]
