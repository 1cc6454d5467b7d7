"""Groups: one appointment with seats, who has taken them, and what is looked up of groups that stand; pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.practice.models import Service
from chalicelib.booking.practice.policy import Policy

MERGED = "merged"
"""Why a group is cancelled whose participants are in another one now."""


class Participant(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes part, with what was said when they joined (the customer's own record may differ), and seats."""

    id: str
    customer_id: str
    name: str = ""
    email: str | None = None
    phone: str | None = None
    seats: int = 1
    source: str
    joined_at: datetime


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The seats of an appointment. Those who take part are in the order in which they joined.

    `deadline_min`: minutes before the start at which the minimum is looked at; None: never, or it was.
    """

    seats: int
    least_seats: int = 1
    participants: tuple[Participant, ...] = ()
    deadline_min: int | None = None

    @property
    def taken(self) -> int:
        """How many seats are taken."""
        return sum(one.seats for one in self.participants)

    @property
    def left(self) -> int:
        """How many seats are left."""
        return self.seats - self.taken

    @property
    def full(self) -> bool:
        """Whether no seat is left."""
        return self.left <= 0

    @property
    def enough(self) -> bool:
        """Whether the minimum is reached."""
        return self.taken >= self.least_seats

    def of(self, customer_id: str) -> Participant | None:
        """That customer, if they take part."""
        return next((one for one in self.participants if one.customer_id == customer_id), None)

    def find(self, participant_id: str) -> Participant | None:
        """By the participant's own id."""
        return next((one for one in self.participants if one.id == participant_id), None)

    def takes(self, others: tuple[Participant, ...]) -> bool:
        """Whether there are seats for all of them, and none is here already."""
        return sum(one.seats for one in others) <= self.left and not any(self.of(one.customer_id) for one in others)

    def joined(self, *others: Participant) -> "Group":
        """With them; that there are seats for them is the caller's to know (`takes`)."""
        assert self.takes(others), "a group is never oversold"
        return msgspec.structs.replace(self, participants=(*self.participants, *others))

    def without(self, participant_id: str) -> "Group":
        """Without them."""
        kept = tuple(one for one in self.participants if one.id != participant_id)
        return msgspec.structs.replace(self, participants=kept)

    def checked(self) -> "Group":
        """Once the minimum has been looked at."""
        return msgspec.structs.replace(self, deadline_min=None)


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept beside the group for each who takes part: it puts the group into their list, and counts for them.

    `starts_at`: when the group takes place, as far as the list knows. `counted`: their counters of limits. `done`: it
    is noted that they have had it done.
    """

    appointment_id: str
    customer_id: str
    starts_at: datetime
    counted: tuple[str, ...] = ()
    done: bool = False
    version: int = 1


def policy_to_open(policy: Policy, service: Service) -> Policy:
    """What holds for who opens a group: not later than the minimum is looked at, since nobody could still join."""
    deadline = deadline_of(policy, service)
    if deadline is None:
        return policy
    return msgspec.structs.replace(policy, minimum_notice_min=max(policy.minimum_notice_min or 0, deadline))


def in_time(policy: Policy, starts_at: datetime, now: datetime, zone: str) -> bool:
    """Whether a group that stands may still, and already, be joined: its notice and its furthest day."""
    notice = 0 if "minimum_notice" in policy.off else policy.minimum_notice_min or 0
    if starts_at <= now or starts_at < now + timedelta(minutes=notice):
        return False
    days = None if "maximum_advance" in policy.off else policy.maximum_advance_days
    clock = ZoneInfo(zone)
    return not days or starts_at.astimezone(clock).date() <= now.astimezone(clock).date() + timedelta(days=days)


def deadline_of(policy: Policy, service: Service) -> int | None:
    """Minutes before the start at which something is done about too few; None where nothing is."""
    if service.seats == 1 or service.least_seats == 1 or policy.group is None or policy.group.below == "keep":
        return None
    return policy.group.deadline_min


def opened(policy: Policy, service: Service, first: Participant, starts_at: datetime, now: datetime) -> Group | None:
    """The group that a booking opens; None for a service without seats.

    Who may open it in spite of its deadline does so for good: nothing is looked at any more.
    """
    if service.seats == 1:
        return None
    deadline = deadline_of(policy, service)
    over = deadline is not None and starts_at - timedelta(minutes=deadline) <= now
    return Group(
        seats=service.seats,
        least_seats=service.least_seats,
        participants=(first,),
        deadline_min=None if over else deadline,
    )
