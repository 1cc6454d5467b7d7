"""What a branch offers: branch, services and staff, and the one document of a branch that bookings read."""

from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from chalicelib.booking.engine.clocks import DAY
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.starts import Alignment
from chalicelib.booking.engine.windows import common
from chalicelib.core.errors import invalid

PHONE = "phone"
"""The kind of directory key under which a called number leads to its branch."""
Minute = Annotated[int, msgspec.Meta(ge=0, le=2880)]


class Window(msgspec.Struct, frozen=True):
    """Open on `day` (0 = Monday) from minute `start` to `end` of the local clock; over 1440 is past midnight."""

    day: Annotated[int, msgspec.Meta(ge=0, le=6)]
    start: Minute
    end: Minute


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A place with a clock of its own. `books_through` "calcom": a booking stands once Cal.com has taken it."""

    id: str
    company_id: str
    name: str
    zone: str
    hours: tuple[Window, ...]
    phone: str | None = None
    books_through: Literal["none", "calcom"] = "none"
    language: str = "en"
    country: str = "DE"

    def clock(self) -> ZoneInfo:
        """Its time zone."""
        return ZoneInfo(self.zone)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be booked; lengths in whole minutes.

    `number` is its small number within the company, for packed storage. `alignment`, `slot_interval_min` and
    `slot_offset_min` say which times are offered, `min_notice_min` and `max_advance_days` (None: any) how soon and how
    far ahead. `calcom_event_types`: the event type that books
    it, per staff id, or under "*" for whoever has none of his own.
    """

    id: str
    company_id: str
    number: int
    name: str
    duration_min: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    buffer_before_min: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    buffer_after_min: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    slot_interval_min: Annotated[int, msgspec.Meta(ge=5, le=240)] = 15
    slot_offset_min: Annotated[int, msgspec.Meta(ge=0, le=240)] = 0
    alignment: Alignment = "rounded"
    min_notice_min: Annotated[int, msgspec.Meta(ge=0, le=525_600)] = 0
    max_advance_days: Annotated[int, msgspec.Meta(ge=0, le=730)] | None = None
    calcom_event_types: dict[str, int] = {}

    def event_type(self, staff_id: str) -> int | None:
        """The Cal.com event type that books this service with this member of staff."""
        return self.calcom_event_types.get(staff_id) or self.calcom_event_types.get("*")


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """Who does the work. What is taken of his time lies in his home branch, wherever he works."""

    id: str
    company_id: str
    name: str
    home_branch_id: str
    hours: dict[str, tuple[Window, ...]]
    service_ids: tuple[str, ...]
    calcom_user_id: int | None = None
    email: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One branch with all it offers and everyone who works there, compiled so that a booking reads one item."""

    branch: Branch
    services: tuple[Service, ...]
    staff: tuple[Staff, ...]
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

    def hours_of(self, member: Staff) -> Hours:
        """When a member of staff works here: his hours in this branch, within the branch's own."""
        return _both(self.branch.zone, member.hours.get(self.branch.id, ()), self.branch.hours)


def check_zone(zone: str, path: str) -> str:
    """The zone's own name; raises Invalid about `path` when there is no such IANA zone."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(path, "unknown_zone", f"{zone!r} is not an IANA time zone such as Europe/Berlin.") from None


def check_windows(windows: tuple[Window, ...], path: str) -> tuple[Window, ...]:
    """The windows in order; raises Invalid about `path` when one is empty or two overlap."""
    ordered = tuple(sorted(windows, key=lambda window: (window.day, window.start)))
    for number, window in enumerate(ordered):
        if window.end <= window.start:
            raise invalid(path, "empty_window", "A window ends after it starts.")
        before = ordered[number - 1] if number else None
        if before and before.day == window.day and before.end > window.start:
            raise invalid(path, "overlapping_windows", "Windows of one day do not overlap.")
    return ordered


@lru_cache(maxsize=1024)
def _both(zone: str, mine: tuple[Window, ...], branch: tuple[Window, ...]) -> Hours:
    # Kept, so that staff with the same hours share one object, by which the engine knows them as the same.
    week = 7 * DAY
    weekly: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    opened = [(w.day * DAY + w.start + turn, w.day * DAY + w.end + turn) for w in branch for turn in (-week, 0, week)]
    for window in mine:
        midnight = window.day * DAY
        for start, end in common([[(midnight + window.start, midnight + window.end)], opened]):
            weekly[window.day].append((start - midnight, end - midnight))
    return Hours(zone=zone, weekly=tuple(tuple(windows) for windows in weekly))
