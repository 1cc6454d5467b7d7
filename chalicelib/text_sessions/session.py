"""A text session: patient and doctor in a chat, metered in intervals of ten minutes."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

INTERVAL = timedelta(minutes=10)
NOTICE = timedelta(minutes=2)
"""How long before the end both sides are told that no session is left."""
Side = Literal["patient", "doctor"]
Part = Literal["patient", "doctor", "reader"]
"""What somebody is in an appointment; a reader is an admin who looks on."""
SIDES: tuple[Side, Side] = ("patient", "doctor")
EndReason = Literal["manual_end", "no_activity", "none_left", "expired", "cancelled"]
RESUMABLE = frozenset({"no_activity", "none_left"})
"""After these, the two may start again while it is still the appointment's time: nobody decided to stop."""


class ChatUser(msgspec.Struct, frozen=True):
    """A signed-in user and the appointment whose chat they ask about; `participants.read` says what they are in it."""

    company_id: str
    user_id: str
    appointment_id: str


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Instants in UTC. `patient_id` is a customer, `doctor_id` a member of staff.

    `interval` is the newest interval that is paid for; interval n begins (n - 1) x 10 minutes after `start_time`.
    Interval 1 is paid for from the start, but only reserved: it counts as used with the first activity.
    `planned_until`: from then on an interval in which nobody writes is the last. `notified_interval`: the interval in
    which both were told that no further one is left. `no_show_charged` is the plan's word on sessions nobody came to.
    `messages`: how many the appointment's chat holds, with those of former sessions; the next one's number follows.
    """

    id: str
    company_id: str
    appointment_id: str
    patient_id: str
    doctor_id: str | None
    subscription_id: str
    start_time: datetime
    planned_until: datetime
    no_show_charged: bool = False
    interval: int = 1
    sessions_used: int = 0
    last_activity_time: datetime | None = None
    has_patient_activity: bool = False
    has_doctor_activity: bool = False
    notified_interval: int = 0
    messages: int = 0
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def is_active(self) -> bool:
        """Whether it runs, as far as it has been written down; the clock may know better (`Meter.run_to`)."""
        return self.ended_at is None

    @property
    def is_ended(self) -> bool:
        """Whether it is over for good."""
        return not self.is_active

    @property
    def has_activity(self) -> bool:
        """Whether anybody has written."""
        return self.has_patient_activity or self.has_doctor_activity

    @property
    def next_charge_at(self) -> datetime:
        """When the interval that is paid for is over, and the next one begins."""
        return self.start_time + self.interval * INTERVAL

    @property
    def wakes_at(self) -> datetime:
        """When the clock looks at it next: in time to give notice, then when the next interval begins."""
        notified = self.notified_interval == self.interval
        return self.next_charge_at if notified else self.next_charge_at - NOTICE

    def due(self, at: datetime) -> bool:
        """Whether the clock has something to decide."""
        return self.is_active and self.next_charge_at <= at

    def idle_since(self, at: datetime) -> bool:
        """Whether nobody has written since `at`."""
        return self.last_activity_time is None or self.last_activity_time < at

    def active(self, side: Side, at: datetime) -> "Session":
        """Somebody has written; the first time, interval 1 counts as used."""
        return msgspec.structs.replace(
            self,
            has_patient_activity=self.has_patient_activity or side == "patient",
            has_doctor_activity=self.has_doctor_activity or side == "doctor",
            # Two clocks differ a little: what is later stays.
            last_activity_time=max(at, self.last_activity_time or at),
            sessions_used=max(self.sessions_used, 1),
        )

    def spoken(self) -> "Session":
        """The chat holds one message more."""
        return msgspec.structs.replace(self, messages=self.messages + 1)

    def charged(self) -> "Session":
        """The next interval is paid for."""
        return msgspec.structs.replace(self, interval=self.interval + 1, sessions_used=self.sessions_used + 1)

    def notified(self) -> "Session":
        """Both were told that this interval is the last one paid for."""
        return msgspec.structs.replace(self, notified_interval=self.interval)

    def ended(self, reason: EndReason, at: datetime, *, used: int) -> "Session":
        """Over since `at`."""
        return msgspec.structs.replace(self, ended_at=at, end_reason=reason, sessions_used=used)
