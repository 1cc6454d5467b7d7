"""A branch and what is taken of its calendars, laid out for the days that a search looks at; pure."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

from chalicelib.booking.appointments.group import JoinableGroup, in_time, opening
from chalicelib.booking.availability.package_fit import Choice
from chalicelib.booking.availability.search_index import IndexedStaff, Room, SearchIndex
from chalicelib.booking.availability.travel_blocks import TravelBlocks
from chalicelib.booking.calendar.entries import AWAY, Days, Entry, Kind, entries_of, footprints
from chalicelib.booking.engine.clocks import day_of, day_start, minute_of, moment_of
from chalicelib.booking.engine.limits import Period
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host, Rules
from chalicelib.booking.engine.search import fits
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.taken import Kind as TakenKind
from chalicelib.booking.engine.taken import Taken
from chalicelib.booking.engine.windows import Window
from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import Limits, Policy

WHOLE = 2520
"""A booking, in shares that up to ten parts of a package divide evenly."""
KINDS: dict[Kind, TakenKind] = {
    Kind.BOOKING: "booking",
    Kind.HOLD: "hold",
    Kind.TIME_OFF: "time_off",
    Kind.GROUP: "booking",
    Kind.EXTERNAL: "external",
}


class BranchCalendar:
    """What the questions of one search share. `taken`: by calendar (staff, rooms), fresh from the table; `groups`:
    those of them that others can join.

    Starts lie from minute `first` until before `last`, UTC. `trips`: who is under way when. `full_for_customer`: by
    service id, local days on which the one customer who is asked for can have no more.
    """

    def __init__(
        self,
        branch: SearchIndex,
        taken: Mapping[str, Days],
        frame: Frame,
        first: int,
        last: int,
        now: datetime,
        *,
        groups: Sequence[JoinableGroup] = (),
        trips: TravelBlocks = TravelBlocks(),
        full_for_customer: Mapping[str, Container[int]] = MappingProxyType({}),
    ) -> None:
        self._trips, self._full_for_customer = trips, full_for_customer
        self.branch, self.frame, self.now = branch, frame, now
        self._groups = groups
        self.first, self.last = first, last
        self._taken = taken
        self._dates = [date.fromordinal(frame.first + number) for number in range(frame.days)]
        self._busy: dict[str, int] = {}
        self._booked: dict[str, list[tuple[int, int]]] = {}
        self._full: dict[str, set[int]] = {}
        # A package is one booking of the branch and of its service, whatever lies in how many calendars.
        self._shares = {s.number: WHOLE // len(s.parts) for s in branch.services if s.parts}

    def narrowed(self, first: int, last: int) -> "BranchCalendar":
        """The same for other starts, which must lie within the frame."""
        taken, full = self._taken, self._full_for_customer
        groups, trips = self._groups, self._trips
        return BranchCalendar(
            self.branch, taken, self.frame, first, last, self.now, groups=groups, trips=trips, full_for_customer=full
        )

    def full_for_customer(self, service: Service, start: int) -> bool:
        """Whether the customer who is asked for has as many of the service as he may, on the local day of a start."""
        days = self._full_for_customer.get(service.id)
        return days is not None and day_of(self.branch.zone, start) in days

    def question(self, service: Service, ask: SlotSpec, hosts: Iterable[Host]) -> AvailabilityQuery:
        """Which starts of the service are free with these hosts."""
        return AvailabilityQuery(
            now=int(self.now.timestamp() * 1000),
            first=self.first,
            last=self.last + ask.duration,
            viewer=self.branch.zone,
            ask=ask,
            hosts=tuple(hosts),
            rules=_rules(opening(service.policy, service)),
        )

    def host(self, worker: IndexedStaff, service: Service) -> Host:
        """A member of staff as the engine sees him, shut on days on which a limit is reached or a skill lacks."""
        shut = {*self._full_days(worker, service), *self._unskilled_days(worker, service)}
        return Host(
            id=worker.id,
            hours=self.branch.hours[worker.hours],
            busy=self.busy(worker.id) | self.under_way(worker, service),
            shut=tuple(sorted([*self._windows(shut), *self.own_time(worker, service)])),
        )

    def under_way(self, worker: IndexedStaff, service: Service) -> int:
        """The minutes of the frame that go by on his ways, besides what is taken."""
        return self._trips.under_way(worker, service, self._taken.get(worker.id, {}), self.frame, self.now)

    def own_time(self, worker: IndexedStaff, service: Service) -> list[Window]:
        """The times of his hours that go by on the way from home and back, where that matters."""
        hours = self.branch.hours[worker.hours]
        return self._trips.own_time(worker, service, ask_of(service), hours, self.frame)

    def room(self, room: Room) -> Host:
        """A room as the engine sees it."""
        return Host(id=room.id, hours=self.branch.hours[room.hours], busy=self.busy(room.id))

    def rooms(self, service: Service, ask: SlotSpec) -> tuple[tuple[Choice, ...], ...]:
        """For each kind that the service needs: the rooms of it, and where the appointment fits them."""
        return tuple(
            tuple(Choice(room.id, fits(self.room(room), ask, self.frame)) for room in self.branch.rooms_of(kind))
            for kind in service.resources
        )

    def joinable(self, service: Service, ask: SlotSpec, staff_ids: Container[str]) -> list[JoinableGroup]:
        """The groups of the service with these staff that begin in time and have seats left, in order of time."""
        found = (
            one
            for one in self._groups
            if (one.service_id, one.length_min) == (service.id, ask.duration)
            and one.staff_id in staff_ids
            and one.left > 0
            and self.first <= one.start < self.last
            and in_time(service.policy, moment_of(one.start), self.now, self.branch.zone)
        )
        return sorted(found, key=lambda one: (one.start, one.staff_id))

    def busy(self, owner: str) -> int:
        """What is taken of a calendar, as a bitmap of the frame."""
        if owner not in self._busy:
            self._busy[owner] = footprints(self._taken.get(owner, {}), self._dates, self.now)
        return self._busy[owner]

    def entries(self, owner: str) -> list[Taken]:
        """What is taken of a calendar, to say why."""
        return [_taken(entry) for entry in self._lasting(owner)]

    def _lasting(self, owner: str) -> list[Entry]:
        entries = entries_of(self._taken.get(owner, {}))
        return [entry for entry in entries if entry.expires_at is None or entry.expires_at > self.now]

    def _full_days(self, worker: IndexedStaff, service: Service) -> set[int]:
        policy = service.policy
        own = [Limits(per_day=worker.daily_maximum)]
        if policy.staff_limits and "limits" not in policy.off:
            own.append(policy.staff_limits)
        return self._reached(own, [worker], self._each_whole) | self.full_days(service)

    def full_days(self, service: Service) -> set[int]:
        """The local days on which the branch, or the service in it, has reached a limit."""
        if service.id not in self._full:
            policy = service.policy
            of_branch = [] if "daily_maximum" in policy.off else [Limits(per_day=policy.daily_maximum)]
            of_service = [policy.service_limits] if policy.service_limits and "limits" not in policy.off else []
            everyone = self.branch.staff
            self._full[service.id] = self._reached(of_branch, everyone, self._share) | self._reached(
                of_service, everyone, lambda number: self._share(number) if number == service.number else 0
            )
        return self._full[service.id]

    def _share(self, number: int) -> int:
        """How much of a booking an entry of that service is."""
        return self._shares.get(number, WHOLE)

    def _each_whole(self, number: int) -> int:
        # Which parts of whose calendar belong to one package is not said there: who does two of one counts as two.
        return WHOLE

    def _reached(
        self, limits: Iterable[Limits], workers: Sequence[IndexedStaff], share: Callable[[int], int]
    ) -> set[int]:
        """The local days in whose day, week or month the bookings of these staff come to a limit."""
        full = set[int]()
        for name, most in [each for one in limits for each in _each(one)]:
            counted = Counter[tuple[int, int]]()
            for worker in workers:
                for day, number in self._bookings(worker.id):
                    counted[_period(name, day)] += share(number)
            full |= {day for day in self._local_days() if counted[_period(name, day)] >= most * WHOLE}
        return full

    def _bookings(self, owner: str) -> list[tuple[int, int]]:
        """The local day and the service of each booking. Only limits ask for it: it looks at every entry."""
        if owner not in self._booked:
            zone = self.branch.zone
            self._booked[owner] = [
                (day_of(zone, minute_of(entry.start)), entry.service)
                for entry in self._lasting(owner)
                if entry.kind not in AWAY
            ]
        return self._booked[owner]

    def _unskilled_days(self, worker: IndexedStaff, service: Service) -> set[int]:
        skills = tuple(skill.casefold() for skill in service.skills)
        if not skills:
            return set()
        return {day for day in self._local_days() if not worker.can(skills, date.fromordinal(day))}

    def skilled(self, worker: IndexedStaff, service: Service, start: int) -> bool:
        """Whether his skills are valid on the local day of a start."""
        skills = tuple(skill.casefold() for skill in service.skills)
        return worker.can(skills, date.fromordinal(day_of(self.branch.zone, start)))

    def _local_days(self) -> Sequence[int]:
        # A day more: the later parts of a package may begin past midnight.
        return range(day_of(self.branch.zone, self.first), day_of(self.branch.zone, self.last) + 2)

    def _windows(self, days: Iterable[int]) -> list[Window]:
        zone = self.branch.zone
        return [(day_start(zone, day), day_start(zone, day + 1)) for day in days]


def ask_of(service: Service, length_min: int | None = None) -> SlotSpec:
    """What an appointment of the service, of its usual length or another, is to the engine."""
    return SlotSpec(
        duration=length_min or service.duration_min,
        step=service.slot_interval_min,
        before=service.buffer_before_min,
        after=service.buffer_after_min,
        alignment=service.alignment,
        offset=service.slot_offset_min,
    )


def counted_days(service: Service, first: date, last: date) -> tuple[date, date] | None:
    """Of which local days, from one to another, limits count the bookings in a search over `first` to `last`.

    None where they count those days alone, or nothing: a search knows them anyway.
    """
    policy = service.policy
    limits = [each for each in (policy.staff_limits, policy.service_limits) if each and "limits" not in policy.off]
    begins, ends = first, last
    if any(each.per_week for each in limits):
        begins, ends = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
    if any(each.per_month for each in limits):
        following = (last.replace(day=1) + timedelta(days=31)).replace(day=1)
        begins, ends = min(begins, first.replace(day=1)), max(ends, following - timedelta(days=1))
    return None if (begins, ends) == (first, last) else (begins, ends)


def _rules(policy: Policy) -> Rules:
    notice = 0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0
    furthest = None if "maximum_advance" in policy.off else policy.maximum_advance_days
    return Rules(notice=notice, period=None if furthest is None else Period(kind="rolling", days=furthest))


def _each(limits: Limits) -> list[tuple[str, int]]:
    named = (("day", limits.per_day), ("week", limits.per_week), ("month", limits.per_month))
    return [(name, most) for name, most in named if most is not None]


def _period(name: str, day: int) -> tuple[int, int]:
    at = date.fromordinal(day)
    if name == "month":
        return at.year, at.month
    return (day - at.weekday(), 7) if name == "week" else (day, 1)


def _taken(entry: Entry) -> Taken:
    start = minute_of(entry.start)
    return Taken(
        start=start,
        end=start + entry.length_min,
        before=entry.before_min,
        after=entry.after_min,
        kind=KINDS[entry.kind],
    )
