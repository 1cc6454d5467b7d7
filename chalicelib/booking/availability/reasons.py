"""Why a time is not a free slot: which rule stands against it, or whose time is taken by what; pure."""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from chalicelib.booking.availability.branch_calendar import BranchCalendar, spec_of
from chalicelib.booking.availability.search_index import IndexedStaff
from chalicelib.booking.availability.slots import Able, find_slots
from chalicelib.booking.calendar.entries import Entry, Kind
from chalicelib.booking.engine.clocks import day_of, minute_of
from chalicelib.booking.engine.explain import Taken, Why, explain
from chalicelib.booking.engine.query import Host
from chalicelib.booking.engine.search import fits
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import overlaps
from chalicelib.booking.practice.models import Service


class Reason(msgspec.Struct, frozen=True):
    """Why a time is not offered: the rule, or the kind of entry (`by`) that took it, and whose time it is."""

    code: str
    staff_id: str | None = None
    room_id: str | None = None
    by: str | None = None


def why_not(calendar: BranchCalendar, service: Service, able: Able, length_min: int | None, start: int) -> list[Reason]:
    """Every reason why nothing of the service begins at `start`; "free" alone when something does."""
    calendar = calendar.narrowed(start, start + 1)
    offered, _ = find_slots(calendar, service, able, length_min, 1)
    if offered:
        return [Reason("free")]
    if calendar.full_for(service, start):
        return [Reason("customer_limit_reached")]
    if service.parts:
        return [Reason("package_does_not_fit"), *_of_first_part(calendar, service, able, start)]
    return _Start(calendar, service, spec_of(service, length_min), start).reasons(able.of(service))


def _of_first_part(calendar: BranchCalendar, package: Service, able: Able, start: int) -> list[Reason]:
    first = calendar.index.parts_of(package)[0]
    on_its_terms = replace(first, policy=package.policy)
    reasons = _Start(calendar, on_its_terms, spec_of(first), start).reasons(able.of_part(first))
    if day_of(calendar.index.zone, start) in calendar.full_days(package):
        reasons.append(Reason("limit_reached"))
    return [reason for reason in reasons if reason.code != "free"]


class _Start(msgspec.Struct, frozen=True):
    """A start (minutes since 1970) of a service, and the branch calendar narrowed to it."""

    calendar: BranchCalendar
    service: Service
    spec: SlotSpec
    start: int

    def reasons(self, staff: list[IndexedStaff]) -> list[Reason]:
        """What is in the way of each of them, and of rooms."""
        found = [] if staff else [Reason("nobody_able")]
        for one in staff:
            for why in self._whys(self.calendar.host(one, self.service)):
                if why.code != "free":
                    found.append(Reason(self._code(why, one), why.host, by=why.by))
        for kind in self.service.resources:
            found += self._of_rooms(kind)
        return list(dict.fromkeys(found))

    def _of_rooms(self, kind: str) -> list[Reason]:
        calendar, rooms = self.calendar, self.calendar.index.rooms_of(kind)
        if not rooms:
            return [Reason("no_such_resource")]
        found: list[Reason] = []
        for room in rooms:
            host = calendar.plain_host(room)
            if not fits(host, self.spec, calendar.frame) >> (self.start - calendar.frame.origin) & 1:
                found += [Reason(why.code, room_id=room.id, by=why.by) for why in self._whys(host) if why.host]
        # Where fewer rooms are in the way than there are, rooms are not what is missing, unless several are needed.
        needed = [each.casefold() for each in self.service.resources].count(kind.casefold())
        return found if len(rooms) - len({reason.room_id for reason in found}) < needed else []

    def _whys(self, host: Host) -> Iterable[Why]:
        query = self.calendar.query(self.service, self.spec, [host])
        return explain(query, self.calendar.frame, self.start, self._taken(host.id))

    def _taken(self, owner: str) -> list[Taken]:
        return [
            Taken((minute_of(entry.blocks_from), minute_of(entry.blocks_until)), _kind(entry))
            for entry in self.calendar.lasting(owner)
        ]

    def _code(self, why: Why, staff: IndexedStaff) -> str:
        if why.by == "external":
            return "external_busy"
        if why.code == "taken" and why.by is None:
            return "travel"  # nothing lies there: it is time for a leg
        if why.code != "limit_reached":
            return why.code
        if not self.calendar.skilled(staff, self.service, self.start):
            return "skill_missing"
        appointment = (self.start, self.start + self.spec.duration)
        return "travel" if overlaps(appointment, self.calendar.commute(staff, self.service)) else why.code


def _kind(entry: Entry) -> str:
    return "booking" if entry.kind is Kind.GROUP else entry.kind.name.lower()
