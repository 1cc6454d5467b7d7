"""The refusal of a time: what was refused, and which rules do not allow it; pure.

Whoever is refused is told the nearest times that can be had: `alternatives.add` looks for them, where a use case ends.
"""

from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.practice.geo import Point
from chalicelib.booking.practice.models import GeoAddress, Service
from chalicelib.booking.rules.rules import Failure, described
from chalicelib.core.errors import Conflict

MOST = 3
LOOK_BACK = timedelta(days=1)
LOOK_AHEAD = timedelta(days=7)
NO_OTHER_TIME_HELPS = frozenset({"blocklist", "deposit", "rescheduling"})


class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A time that someone cannot have. `service` with the length asked for; `staff`: id or name, None: anyone.

    `moving`: the appointment, or the parts of a package, to be moved: their own time is in nobody's way, and no
    alternative. `published`: only staff whom visitors may see. `seats`: of a group, which may be another one that
    stands. `address`: the customer's; `length_min`: the length, if one was asked for. `other_branches`: whether these
    will do as well.
    """

    company_id: str
    branch_id: str
    service: Service
    staff: str | None
    starts_at: datetime
    now: datetime
    customer_id: str | None = None
    moving: tuple[Appointment, ...] = ()
    published: bool = False
    seats: int = 1
    address: GeoAddress | None = None
    length_min: int | None = None
    other_branches: bool = True

    @property
    def between(self) -> tuple[datetime, datetime]:
        """From when to when alternatives are looked for."""
        return self.starts_at - LOOK_BACK, self.starts_at + LOOK_AHEAD

    def point(self, service: Service) -> Point | None:
        """Where the service would be done, if that is at the customer's."""
        return self.address.point() if self.address and service.mobile else None


class Refusal(Conflict):
    """A time that cannot be had. `failures`: the rules that do not allow it; none: someone else has it."""

    def __init__(self, code: str, detail: str, request: RefusedRequest, failures: tuple[Failure, ...] = ()) -> None:
        super().__init__(code, detail)
        self.request = request
        self.failures = failures
        if failures:
            self.extra["failures"] = described(failures)

    @property
    def consultation(self) -> bool:
        """Whether the customer has to have a consultation first: times for that are looked for instead."""
        return any(failure.rule == "consultation" for failure in self.failures)

    @property
    def other_times_help(self) -> bool:
        """Whether there is any sense in looking for another time."""
        return not NO_OTHER_TIME_HELPS.intersection(failure.rule for failure in self.failures)


class SlotTaken(Refusal):
    """Someone else has that time."""

    def __init__(self, request: RefusedRequest) -> None:
        super().__init__("slot_taken", "This time is not free; see the alternatives.", request)


class NotBookable(Refusal):
    """The rules do not allow it."""

    def __init__(self, request: RefusedRequest, failures: tuple[Failure, ...]) -> None:
        super().__init__("not_bookable", " ".join(failure.message for failure in failures), request, failures)
