"""What is asked of the engine: who could take the appointment, and which starts count."""

import msgspec

from chalicelib.booking.engine.clocks import DAY, EPOCH_DAY, day_of, day_start, utc_midnight
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.starts import SlotSpec
from chalicelib.booking.engine.windows import Window


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
    keep clear of them. `unavailable`: what is not open to it for another reason, a full day for instance.
    """

    id: str
    hours: Hours
    busy: int = 0
    unavailable: tuple[Window, ...] = ()


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which starts are free from `first` until `last` (minutes; an appointment ends by then).

    `now` in milliseconds since 1970. `viewer`: the zone in which days are counted and starts rounded. `notice`: minutes
    from now. `furthest_days`: nothing starts later than so many of the viewer's days ahead.
    """

    now: int
    first: int
    last: int
    viewer: str
    spec: SlotSpec
    hosts: tuple[Host, ...]
    notice: int = 0
    furthest_days: int | None = None

    @property
    def soonest(self) -> int:
        """The minute in which the notice ends; one's own next minute where none is asked."""
        return (self.now // 1000 + max(self.notice, 1) * 60) // 60

    @property
    def earliest(self) -> int:
        """From where on starts are looked for: to round up, what lies before the soonest counts as taken."""
        return max(self.first, self.soonest) if self.spec.alignment == "rounded" else self.first

    @property
    def noticed(self) -> int:
        """The first minute that keeps the notice."""
        noticed = -(-self.now // 60_000) + self.notice
        return max(noticed, self.soonest) if self.spec.alignment == "rounded" else noticed

    @property
    def furthest(self) -> int | None:
        """The minute from which on everything is too far ahead, if anything is."""
        if self.furthest_days is None:
            return None
        return day_start(self.viewer, day_of(self.viewer, self.now // 60_000) + self.furthest_days + 1)

    @property
    def starts(self) -> Window:
        """Between which minutes something may start: within what is asked, with notice, and not too far ahead."""
        end = self.last - self.spec.duration + 1
        return max(self.first, self.noticed), end if self.furthest is None else min(end, self.furthest)
