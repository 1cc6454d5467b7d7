"""The one document of a branch that bookings read: branch, services, staff and resources, compiled."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.hours import Interval, both, instants, merged, spans_on, without
from chalicelib.booking.policy import Policy, resolved
from chalicelib.booking.practice import Branch, Offer, Resource, Service, Staff
from chalicelib.core.errors import invalid

FURTHEST_OPENING_DAYS = 14


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One branch with all it offers and everyone who works there, so that a booking reads one item.

    It is written in the transaction that changes any of it, so it is what counts, not a copy that may be late. Services
    carry the branch's own lengths and prices. `closed`: public holidays, as dates.
    """

    branch: Branch
    services: tuple[Service, ...]
    staff: tuple[Staff, ...]
    resources: tuple[Resource, ...] = ()
    closed: tuple[date, ...] = ()
    version: int = 1

    def service(self, wanted: str, path: str) -> Service:
        """By id, or by name whatever its capitals; raises Invalid about `path`."""
        name = wanted.strip().casefold()
        for service in self.services:
            if service.id == wanted or service.name.casefold() == name:
                return service
        offered = ", ".join(service.name for service in self.services)
        raise invalid(path, "unknown_service", f"{wanted!r} is not offered here. Offered: {offered}.")

    def service_numbered(self, number: int) -> Service | None:
        """The service a packed entry names."""
        return next((service for service in self.services if service.number == number), None)

    def able(self, service: Service, wanted: str | None, path: str) -> tuple[Staff, ...]:
        """Who does this service here; only `wanted` (id or name) when given. Raises Invalid about `path`."""
        able = tuple(member for member in self.staff if service.id in member.service_ids)
        if wanted is None:
            return able
        name = wanted.strip().casefold()
        chosen = tuple(m for m in able if m.id == wanted or m.name.casefold() == name)
        if not chosen:
            raise invalid(path, "unknown_staff", f"{wanted!r} does not do {service.name} here.")
        return chosen

    def policy(self, service: Service) -> Policy:
        """What holds for this service in this branch."""
        offer = self.branch.offers.get(service.id, Offer())
        return resolved(offer.policy, service.policy, self.branch.policy)

    def opened(self, day: date) -> list[Interval]:
        """When the branch is open, of the windows that begin on the local `day`."""
        return instants(
            day, spans_on(day, () if self.shut(day) else self.branch.hours, self.branch.exceptions), self._zone
        )

    def is_open(self, at: datetime) -> bool:
        """Whether the branch is open at that instant; what began yesterday may last past midnight."""
        day = at.astimezone(self._zone).date()
        return any(start <= at < end for start, end in self.open_around(day))

    def next_opening(self, after: datetime) -> datetime | None:
        """When the branch opens next, in UTC; None when that is more than two weeks away."""
        today = after.astimezone(self._zone).date()
        days = (today + timedelta(days=n) for n in range(FURTHEST_OPENING_DAYS + 1))
        return next((start for day in days for start, _ in self.opened(day) if start > after), None)

    def shut(self, day: date) -> bool:
        """Whether a holiday or closure covers the date; hours of its own would go before it."""
        return day in self.closed or any(one.first <= day <= one.last for one in self.branch.closures)

    def windows(self, member: Staff, day: date) -> list[Interval]:
        """When a member of staff works here on the local `day`, within the branch's hours; UTC, half open, sorted."""
        here = self.branch.id
        spans = spans_on(day, member.hours.get(here, ()), member.exceptions.get(here, ()))
        weekly = member.breaks.get(here, ())
        # A shift past midnight meets the breaks of the day after.
        dates = (day, day + timedelta(days=1))
        pauses = [pause for each in dates for pause in instants(each, spans_on(each, weekly), self._zone)]
        return without(both(merged(instants(day, spans, self._zone)), self.open_around(day)), pauses)

    def resource_windows(self, resource: Resource, day: date) -> list[Interval]:
        """When a room or device may be used on the local `day`."""
        if resource.hours is None:
            return self.opened(day)
        return both(instants(day, spans_on(day, resource.hours), self._zone), self.open_around(day))

    def open_around(self, day: date) -> list[Interval]:
        """When the branch is open on the local `day` and around it; hours that touch at midnight are one stretch."""
        # A shift may run into the hours of the day after; the branch's night hours come from the day before.
        return merged(window for n in (-1, 0, 1) for window in self.opened(day + timedelta(days=n)))

    @property
    def _zone(self) -> ZoneInfo:
        return self.branch.clock()


def of_kind(resources: Sequence[Resource], kind: str) -> tuple[Resource, ...]:
    """The resources of one kind, in a stable order."""
    return tuple(sorted((r for r in resources if r.kind.casefold() == kind.casefold()), key=lambda r: r.id))
