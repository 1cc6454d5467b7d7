"""A branch as a search for free times sees it: staff, rooms, hours, and what is taken of the days looked at; pure."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.appointments.group import in_time, policy_to_open
from chalicelib.booking.availability.search_index import IndexedStaff, Room, SearchIndex, compile_search
from chalicelib.booking.calendar.calendar import Calendar
from chalicelib.booking.calendar.entries import AWAY, Entry, blocked_minutes
from chalicelib.booking.calendar.reach import commute, travelling
from chalicelib.booking.engine.clocks import day_of, day_start, minute_of, moment_of
from chalicelib.booking.engine.query import AvailabilityQuery, Frame, Host, frame_of
from chalicelib.booking.engine.search import search_each
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window
from chalicelib.booking.practice.geo import Leg, Point, Roads, Travel
from chalicelib.booking.practice.models import Service, Staff
from chalicelib.booking.practice.policy import Limits
from chalicelib.booking.practice.schedule import Schedule
from chalicelib.booking.rules.limits import Period, periods

WHOLE = 2520
"""A booking, in shares that up to ten parts of a package divide evenly."""


class Slot(msgspec.Struct, frozen=True):
    """A free time with the member of staff who is free then; UTC. `seats_left`: of a group that can be joined."""

    starts_at: datetime
    ends_at: datetime
    staff: Staff
    seats_left: int | None = None


class BranchCalendar(msgspec.Struct, frozen=True, kw_only=True):
    """What the services of one search share. `calendars`: of staff and rooms, by owner; who has none has nothing taken.

    Starts lie from minute `first` until before `last` (UTC), within the frame. `groups`: those with seats left.
    `here`: the customer's place, for mobile services; `legs`: those that a provider knows. `full_for_customer`: by
    service id, local days on which the customer who is asked for can have no more.
    """

    index: SearchIndex
    calendars: Mapping[str, Calendar]
    frame: Frame
    first: int
    last: int
    now: datetime
    groups: Sequence[Appointment] = ()
    here: Point | None = None
    legs: Mapping[Leg, int] = {}
    full_for_customer: Mapping[str, Container[int]] = {}
    # Worked out once for all services and hosts of a search.
    _busy: dict[str, int] = {}
    _booked: dict[str, list[tuple[int, int]]] = {}
    _full: dict[str, set[int]] = {}

    def narrowed(self, first: int, last: int) -> "BranchCalendar":
        """The same for other starts, which must lie within the frame."""
        return replace(self, first=first, last=last, _full={})

    def full_for(self, service: Service, start: int) -> bool:
        """Whether the customer who is asked for has as many of the service as they may, on the local day of a start."""
        days = self.full_for_customer.get(service.id)
        return days is not None and day_of(self.index.zone, start) in days

    def query(self, service: Service, spec: SlotSpec, hosts: Iterable[Host]) -> AvailabilityQuery:
        """Which starts of the service are free with these hosts."""
        policy = policy_to_open(service.policy, service)
        return AvailabilityQuery(
            now=int(self.now.timestamp() * 1000),
            first=self.first,
            last=self.last + spec.duration,
            viewer=self.index.zone,
            spec=spec,
            hosts=tuple(hosts),
            notice=0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0,
            furthest_days=None if "maximum_advance" in policy.off else policy.maximum_advance_days,
        )

    def starts(self, service: Service, spec: SlotSpec, hosts: Iterable[Host]) -> dict[str, list[int]]:
        """The free starts of the service with each host alone, by id."""
        found = search_each(self.query(service, spec, hosts), self.frame)
        return {host: [start for start in free if self.first <= start < self.last] for host, free in found.items()}

    def host(self, staff: IndexedStaff, service: Service) -> Host:
        """How the engine sees a member of staff: unavailable on days on which a limit is reached or a skill lacks."""
        days = self._full_days(staff, service) | self._unskilled_days(staff, service)
        plain = self.plain_host(staff)
        return replace(
            plain,
            busy=plain.busy | self.travelling(staff, service),
            unavailable=tuple(sorted([*self._windows(days), *self.commute(staff, service)])),
        )

    def plain_host(self, owner: IndexedStaff | Room) -> Host:
        """A member of staff or a room by hours and by what is taken alone."""
        return Host(id=owner.id, hours=self.index.hours[owner.hours], busy=self._blocked(owner.id))

    def travelling(self, staff: IndexedStaff, service: Service) -> int:
        """The minutes of the frame that go by on the legs between the service and the rest of their calendar."""
        calendar = self.calendars.get(staff.id)
        if calendar is None or not (service.mobile or calendar.locations):
            return 0  # nearly always: everything is where it always is
        here = self.here if service.mobile else calendar.base
        return travelling(calendar, here, self._roads(service), self.frame, self.now)

    def commute(self, staff: IndexedStaff, service: Service) -> list[Window]:
        """What of their hours goes by on the legs from home and back, where those lie in working hours."""
        roads = self._roads(service)
        if not service.mobile or not roads.travel.within_hours:
            return []
        calendar = self.calendars.get(staff.id)
        start = staff.home or (calendar.base if calendar else self.index.place)
        legs = roads.minutes(start, self.here), roads.minutes(self.here, start)
        hours, first = self.index.hours[staff.hours], self.frame.first
        return commute(hours, first - 1, first + self.frame.days, spec_of(service), legs)

    def joinable(self, service: Service, spec: SlotSpec, staff_ids: Container[str]) -> list[Appointment]:
        """The groups of the service with these staff that begin in time, in order of time."""
        found = (
            one
            for one in self.groups
            if (one.service_id, one.length_min) == (service.id, spec.duration)
            and str(one.staff_id) in staff_ids
            and self.first <= minute_of(one.starts_at) < self.last
            and in_time(service.policy, one.starts_at, self.now, self.index.zone)
        )
        return sorted(found, key=lambda one: (one.starts_at, str(one.staff_id)))

    def lasting(self, owner: str) -> list[Entry]:
        """What still holds of everything in a calendar."""
        calendar = self.calendars.get(owner)
        entries = calendar.entries() if calendar else []
        return [entry for entry in entries if entry.expires_at is None or entry.expires_at > self.now]

    def full_days(self, service: Service) -> set[int]:
        """The local days on which the branch, or the service in it, has reached a limit."""
        if service.id not in self._full:
            policy, everyone = service.policy, self.index.staff
            # A package is one booking of the branch and of its service, whatever lies in how many calendars.
            shares = {one.number: WHOLE // len(one.parts) for one in self.index.services if one.parts}
            of_branch = [] if "daily_maximum" in policy.off else [Limits(per_day=policy.daily_maximum)]
            of_service = [policy.service_limits] if policy.service_limits and "limits" not in policy.off else []
            self._full[service.id] = self._reached(
                of_branch, everyone, lambda number: shares.get(number, WHOLE)
            ) | self._reached(
                of_service, everyone, lambda number: shares.get(number, WHOLE) if number == service.number else 0
            )
        return self._full[service.id]

    def skilled(self, staff: IndexedStaff, service: Service, start: int) -> bool:
        """Whether their skills are valid on the local day of a start."""
        return staff.can(service.skills, date.fromordinal(day_of(self.index.zone, start)))

    def _blocked(self, owner: str) -> int:
        if owner not in self._busy:
            calendar = self.calendars.get(owner)
            dates = (date.fromordinal(self.frame.first + number) for number in range(self.frame.days))
            self._busy[owner] = blocked_minutes(calendar.days, dates, self.now) if calendar else 0
        return self._busy[owner]

    def _full_days(self, staff: IndexedStaff, service: Service) -> set[int]:
        policy, own = service.policy, [Limits(per_day=staff.daily_maximum)]
        if policy.staff_limits and "limits" not in policy.off:
            own.append(policy.staff_limits)
        # Which parts of a calendar belong to one package is not said there: who does two of one counts as two.
        return self._reached(own, [staff], lambda number: WHOLE) | self.full_days(service)

    def _reached(
        self, limits: Iterable[Limits], staff: Sequence[IndexedStaff], share: Callable[[int], int]
    ) -> set[int]:
        """The local days in whose day, week or month the bookings of these staff come to a limit.

        `share`: how much of a booking an entry of the service with that number is.
        """
        full = set[int]()
        for one in limits:
            if one == Limits():
                continue
            counted = Counter[str]()
            for day, number in (booking for member in staff for booking in self._bookings(member.id)):
                for period in _periods(one, day):
                    counted[period.key] += share(number)
            full |= {
                day
                for day in self._local_days()
                if any(counted[period.key] >= period.most * WHOLE for period in _periods(one, day))
            }
        return full

    def _bookings(self, owner: str) -> list[tuple[int, int]]:
        """The local day and the service of each booking. Only limits ask for it: it looks at every entry."""
        if owner not in self._booked:
            zone = self.index.zone
            self._booked[owner] = [
                (day_of(zone, minute_of(entry.start)), entry.service)
                for entry in self.lasting(owner)
                if entry.kind not in AWAY
            ]
        return self._booked[owner]

    def _unskilled_days(self, staff: IndexedStaff, service: Service) -> set[int]:
        if not service.skills:
            return set()
        return {day for day in self._local_days() if not staff.can(service.skills, date.fromordinal(day))}

    def _local_days(self) -> Sequence[int]:
        # A day more: the later parts of a package may begin past midnight.
        return range(day_of(self.index.zone, self.first), day_of(self.index.zone, self.last) + 2)

    def _windows(self, days: Iterable[int]) -> list[Window]:
        zone = self.index.zone
        return [(day_start(zone, day), day_start(zone, day + 1)) for day in days]

    def _roads(self, service: Service) -> Roads:
        return Roads(service.policy.travel or Travel(), self.legs)


def calendar_of(
    schedule: Schedule, calendars: Mapping[str, Calendar], between: Window, longest: int, now: datetime
) -> BranchCalendar:
    """A branch as it was just read, with starts `between` two minutes of what takes `longest` minutes at most."""
    first, last = between
    # What begins last may run on past what is asked.
    frame, index = frame_of(first, last + longest), compile_search(schedule)
    return BranchCalendar(index=index, calendars=calendars, frame=frame, first=first, last=last, now=now)


def free_slots(
    schedule: Schedule, service: Service, calendars: Sequence[Calendar], days: Sequence[date], now: datetime
) -> list[Slot]:
    """When the owners of these calendars, who are staff of the schedule, are free for the service on the local `days`.

    By hours, by what is taken and by the rules about a time alone: limits, skills, rooms and legs are not looked at. In
    order of time, those at the same time in the order of the calendars.
    """
    members = [member for one in calendars if (member := schedule.find_staff(one.owner.id))]
    if not days or not members:
        return []
    zone, narrowed = schedule.branch.zone, replace(schedule, services=(service,), staff=tuple(members), resources=())
    between = day_start(zone, min(days).toordinal()), day_start(zone, max(days).toordinal() + 1)
    calendar = calendar_of(narrowed, {one.owner.id: one for one in calendars}, between, service.duration_min, now)
    index = calendar.index
    found = calendar.starts(index.services[0], spec_of(service), map(calendar.plain_host, index.staff))
    starts = ((start, number) for number, member in enumerate(members) for start in found[member.id])
    length = timedelta(minutes=service.duration_min)
    return [
        Slot(at := moment_of(start), at + length, members[number])
        for start, number in sorted(starts)
        if start * 60 > now.timestamp()
    ]


def spec_of(service: Service, length_min: int | None = None) -> SlotSpec:
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


@lru_cache(maxsize=1024)
def _periods(limits: Limits, day: int) -> list[Period]:
    return periods(limits, date.fromordinal(day))
