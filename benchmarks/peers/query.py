"""What is asked of a team, with the rules of the peers."""

from typing import Literal

import msgspec

from benchmarks.peers.limits import Period
from benchmarks.peers.starts import TeamSpec
from chalicelib.booking.engine.clocks import DAY, day_of, day_start
from chalicelib.booking.engine.hours import Hours
from chalicelib.booking.engine.query import AvailabilityQuery, Host
from chalicelib.booking.engine.windows import Window

Assignment = Literal["single", "collective", "round_robin"]


class TeamHost(Host, frozen=True, kw_only=True):
    """`fixed`: must be there; of each `group` of the others one is enough. `away`: days out of office."""

    fixed: bool = True
    group: str | None = None
    away: frozenset[int] = frozenset()


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What else must hold for a start.

    `strictly`: later than the notice, not at it. `held`: time that another visitor holds. `restriction`: hours within
    which the appointment must lie as well. `opening_pause`: nothing starts in the first minutes of a day. `advance`:
    nothing starts on a local day that begins this many days from now or later. `first_of_day`: only the first start of
    each of the viewer's days.
    """

    strictly: bool = False
    period: Period | None = None
    restriction: Hours | None = None
    held: tuple[Window, ...] = ()
    opening_pause: int = 0
    advance: int | None = None
    first_of_day: bool = False


class TeamQuery(AvailabilityQuery, frozen=True, kw_only=True):
    """Which starts are free with a team. `days`: only starts on these of the viewer's days, both included.

    "round_robin" takes the fixed hosts and one of each group, the others take everyone.
    """

    spec: TeamSpec
    hosts: tuple[TeamHost, ...]
    assignment: Assignment = "single"
    rules: Rules = Rules()
    days: Window | None = None

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
        ahead = start * 60_000 - self.now - self.notice * 60_000
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
