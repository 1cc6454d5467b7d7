"""An appointment and the moves it may make."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from chalicelib.booking.occupancy import Entry, Kind, reference_of
from chalicelib.booking.practice import Channel

Status = Literal["held", "requested", "confirmed", "cancelled", "declined", "no_show", "completed", "released"]
Source = Literal["retell_phone", "web", "api", "mobile", "calcom"]
TAKES_TIME = frozenset({"held", "requested", "confirmed", "no_show", "completed"})
OVER = frozenset({"cancelled", "declined", "released"})
"""Nothing but a new booking brings one of these back."""
BOOKED = frozenset({"confirmed", "scheduled"})


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC; lengths and buffers in whole minutes. `channel` is the service's. `external_id`: Cal.com's uid.

    `held`: the time is taken here and Cal.com has not answered yet; only asking Cal.com releases it. `released`: such a
    hold that Cal.com turned out not to have. `booked_as` is the status it had when it was booked. `calcom_seen_at` is
    the time of Cal.com's newest word on it: older words change nothing.
    """

    id: str
    company_id: str
    branch_id: str
    service_id: str
    staff_id: str | None
    customer_id: str
    call_id: str | None = None
    starts_at: datetime
    ends_at: datetime
    before_min: int = 0
    after_min: int = 0
    service_number: int = 0
    channel: Channel = "in_person"
    status: Status
    booked_as: Status | None = None
    source: Source
    metadata: dict[str, str] = {}
    home_branch_id: str | None = None
    calcom_booking_id: int | None = None
    external_id: str | None = None
    calcom_seen_at: datetime | None = None
    cancellation_reason: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    legacy_id: str | None = None

    def entry(self) -> Entry:
        """What it takes of its staff member's calendar."""
        return Entry(
            self.starts_at,
            (self.ends_at - self.starts_at) // timedelta(minutes=1),
            self.before_min,
            self.after_min,
            Kind.BOOKING,
            self.service_number,
            reference_of(self.id),
        )

    def changed(self, at: datetime, **fields: object) -> "Appointment":
        """The next version of it."""
        return msgspec.structs.replace(self, **({"updated_at": at, "version": self.version + 1} | fields))

    def confirmed(self, booking_id: int, uid: str, at: datetime, seen_at: datetime | None) -> "Appointment":
        """Cal.com has it."""
        return self.changed(
            at,
            status="confirmed",
            booked_as="confirmed",
            calcom_booking_id=booking_id,
            external_id=uid,
            calcom_seen_at=seen_at,
        )

    def was_booked(self) -> bool:
        """Whether its status is, or when booked was, confirmed or scheduled."""
        return self.status in BOOKED or self.booked_as in BOOKED
