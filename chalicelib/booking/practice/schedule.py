"""The one document of a branch that bookings read: branch, services, staff and resources, compiled."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from chalicelib.booking.engine.clocks import moment_of
from chalicelib.booking.engine.hours import Hours, opened
from chalicelib.booking.practice.hours import Interval, Pattern, engine_hours
from chalicelib.booking.practice.models import Branch, Offer, Resource, Service, Staff
from chalicelib.booking.practice.policy import Policy, resolved
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

    def service(self, name_or_id: str, path: str) -> Service:
        """By id, or by name whatever its capitals; raises Invalid about `path`."""
        found = self.find_service(name_or_id)
        if found:
            return found
        offered = ", ".join(service.name for service in self.services)
        raise invalid(path, "unknown_service", f"{name_or_id!r} is not offered here. Offered: {offered}.")

    def find_service(self, name_or_id: str) -> Service | None:
        """By id or name, or None."""
        name = name_or_id.strip().casefold()
        return next((s for s in self.services if s.id == name_or_id or s.name.casefold() == name), None)

    def find_staff(self, staff_id: str | None) -> Staff | None:
        """The member of staff of that id, or None."""
        return next((member for member in self.staff if member.id == staff_id), None)

    def able(self, service: Service, name_or_id: str | None, path: str) -> tuple[Staff, ...]:
        """Who does this service here; only `name_or_id` when given. Raises Invalid about `path`."""
        able = tuple(member for member in self.staff if service.id in member.service_ids)
        if name_or_id is None:
            return able
        chosen = tuple(member for member in able if member.is_called(name_or_id))
        if not chosen:
            raise invalid(path, "unknown_staff", f"{name_or_id!r} does not do {service.name} here.")
        return chosen

    def policy(self, service: Service) -> Policy:
        """What holds for this service in this branch."""
        offer = self.branch.offers.get(service.id, Offer())
        return resolved(offer.policy, service.policy, self.branch.policy)

    def hours(self) -> Hours:
        """When the branch is open."""
        return engine_hours(self.branch.zone, self._pattern)

    def hours_of(self, member: Staff) -> Hours:
        """When a member of staff works here, within the branch's hours."""
        here = self.branch.id
        mine = Pattern(weekly=member.hours.get(here, ()), exceptions=member.exceptions.get(here, ()))
        return engine_hours(self.branch.zone, mine, self._pattern, member.breaks.get(here, ()))

    def hours_of_resource(self, resource: Resource) -> Hours:
        """When a room or device may be used."""
        if resource.hours is None:
            return self.hours()
        return engine_hours(self.branch.zone, Pattern(weekly=resource.hours), self._pattern)

    @property
    def _pattern(self) -> Pattern:
        branch = self.branch
        return Pattern(weekly=branch.hours, exceptions=branch.exceptions, closures=branch.closures, closed=self.closed)

    def open_around(self, day: date) -> list[Interval]:
        """When the branch is open on the local `day` and around it; hours that touch at midnight are one stretch."""
        return _intervals(opened(self.hours(), day.toordinal() - 1, day.toordinal() + 1))

    def windows(self, member: Staff, day: date) -> list[Interval]:
        """When a member of staff works here, of the windows that begin on the local `day`; UTC, half open, sorted."""
        return _intervals(opened(self.hours_of(member), day.toordinal(), day.toordinal()))

    def windows_around(self, member: Staff, day: date) -> list[Interval]:
        """When a member of staff works here on the local `day` and around it, joined across midnight."""
        return _intervals(opened(self.hours_of(member), day.toordinal() - 1, day.toordinal() + 1))

    def is_open(self, at: datetime) -> bool:
        """Whether the branch is open at that instant; what began yesterday may last past midnight."""
        day = at.astimezone(self.branch.clock()).date()
        return any(start <= at < end for start, end in self.open_around(day))

    def next_opening(self, after: datetime) -> datetime | None:
        """When the branch opens next, in UTC; None when that is more than two weeks away."""
        today = after.astimezone(self.branch.clock()).date().toordinal()
        coming = _intervals(opened(self.hours(), today - 1, today + FURTHEST_OPENING_DAYS))
        return next((start for start, _ in coming if start > after), None)


def _intervals(windows: Sequence[tuple[int, int]]) -> list[Interval]:
    return [(moment_of(start), moment_of(end)) for start, end in windows]


def of_kind(resources: Sequence[Resource], kind: str) -> tuple[Resource, ...]:
    """The resources of one kind, in a stable order."""
    return tuple(sorted((r for r in resources if r.kind.casefold() == kind.casefold()), key=lambda r: r.id))
