"""What is asked of the engine: who could take the appointment, which rules hold, and for which time."""

from typing import Literal

import msgspec

from chalicelib.booking.engine.clocks import DAY, EPOCH_DAY, day_of, day_start, utc_midnight
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.limits import Period
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window

Assignment = Literal["single", "collective", "round_robin"]


class Frame(msgspec.Struct, frozen=True):
    """The days (UTC) that the bitmaps cover: a margin around what is asked."""

    first: int
    days: int

    @property
    def origin(self) -> int:
        """The minute of bit 0."""
        return utc_midnight(self.first)

    @property
    def size(self) -> int:
        """How many bits."""
        return self.days * DAY


def frame_of(first: int, last: int) -> Frame:
    """The frame around a range of minutes: two days ahead, so that what began before it counts, and one after."""
    begins, ends = first // DAY - 2, -(-last // DAY) + 1
    return Frame(begins + EPOCH_DAY, ends - begins)


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Someone (or a room) who can take the appointment.

    `busy`: the blocked intervals of what is taken, as a bitmap of the frame; the buffers of the appointment asked for
    keep clear of them. `unavailable`: what is not open to it for another reason, a full day for instance. `fixed`: must
    be there; of each `group` of the others one is enough.
    """

    id: str
    hours: Hours
    busy: int = 0
    unavailable: tuple[Window, ...] = ()
    fixed: bool = True
    group: str | None = None


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What else must hold for a start.

    `notice`: minutes from now; `strictly`: later than that, not at it. `held`: time that another visitor holds.
    `restriction`: hours within which the appointment must lie as well. `opening_pause`: nothing starts in the first
    minutes of a day. `advance`: nothing starts on a local day that begins this many days from now or later.
    `first_of_day`: only the first start of each of the viewer's days.
    """

    notice: int = 0
    strictly: bool = False
    period: Period | None = None
    restriction: Hours | None = None
    held: tuple[Window, ...] = ()
    opening_pause: int = 0
    advance: int | None = None
    first_of_day: bool = False


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which starts are free from `first` until `last` (minutes; an appointment ends by then).

    `now` in milliseconds since 1970. `viewer`: the zone in which days are counted and starts rounded; `days`: only
    starts on these of their days, both included. "round_robin" takes the fixed hosts and one of each group, the others
    take everyone.
    """

    now: int
    first: int
    last: int
    viewer: str
    spec: SlotSpec
    hosts: tuple[Host, ...]
    assignment: Assignment = "single"
    rules: Rules = Rules()
    days: Window | None = None

    @property
    def soonest(self) -> int:
        """The minute in which the notice ends; one's own next minute where none is asked."""
        return (self.now // 1000 + max(self.rules.notice, 1) * 60) // 60

    @property
    def earliest(self) -> int:
        """From where on starts are looked for: to round up, what lies before the soonest counts as taken."""
        return max(self.first, self.soonest) if self.spec.alignment == "rounded" else self.first

    @property
    def everyone(self) -> bool:
        """Whether all hosts are needed."""
        return self.assignment != "round_robin"

    @property
    def is_team(self) -> bool:
        """Whether more than one host is, or may be, involved."""
        return self.assignment != "single" or len(self.hosts) > 1

    @property
    def zone(self) -> str:
        """The clock of the staff, by which their days are counted."""
        return self.hosts[0].hours.zone

    def notice_kept(self, start: int) -> bool:
        """Whether a start is far enough from now."""
        ahead = start * 60_000 - self.now - self.rules.notice * 60_000
        return ahead > 0 if self.rules.strictly else ahead >= 0

    def near_enough(self, start: int) -> bool:
        """Whether the local day of a start begins soon enough."""
        if self.rules.advance is None:
            return True
        furthest = self.now + self.rules.advance * DAY * 60_000
        return day_start(self.zone, day_of(self.zone, start)) * 60_000 < furthest

    def viewer_day(self, start: int) -> int:
        """The viewer's day on which a start lies."""
        return day_of(self.viewer, start)
