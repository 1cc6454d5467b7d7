"""A visitor's hold: a time kept for a few minutes while they type who they are."""

from datetime import datetime, timedelta

import msgspec

from chalicelib.booking.appointments.appointment import TimeSlot
from chalicelib.booking.calendar.entries import Entry, Kind, reference_of
from chalicelib.booking.calendar.owner import CalendarOwner
from chalicelib.booking.practice.models import GeoAddress

LASTS = timedelta(minutes=10)
MOST_OF_A_VISITOR = 2
MOST_OF_A_BRANCH = 50
"""Together they could keep a practice from being booked; a visitor who comes from many addresses meets this one."""


class HoldProof(msgspec.Struct, frozen=True):
    """What a visitor was given: nobody else can use, extend or release the hold.

    `digest`: what is kept of the secret, from whoever has been proven by other means (an offer); no endpoint takes it.
    """

    id: str
    secret: str
    digest: str | None = None


class HeldPart(TimeSlot, frozen=True, kw_only=True):
    """What a hold keeps for a part of a package, or for a whole appointment."""

    before_min: int
    after_min: int


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Instants in UTC; `expires_at` on a whole minute, as calendars keep it. `digest` of the secret.

    `address`: the customer's, of a mobile service. `parts`: of a package, in order; else the whole appointment.
    """

    id: str
    company_id: str
    branch_id: str
    service_id: str
    parts: tuple[HeldPart, ...]
    service_number: int = 0
    expires_at: datetime
    extended: bool = False
    digest: str
    address: GeoAddress | None = None
    version: int = 1

    @property
    def staff_id(self) -> str:
        """Who does it, of a package its first part."""
        return str(self.parts[0].staff_id)

    @property
    def starts_at(self) -> datetime:
        """When the first part begins."""
        return self.parts[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When the last part ends."""
        return self.parts[-1].ends_at

    @property
    def reference(self) -> bytes:
        """Under which it lies in calendars."""
        return reference_of(self.id)

    @property
    def length_min(self) -> int:
        """Whole minutes."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)

    def lies(self) -> dict[CalendarOwner, list[Entry]]:
        """What it takes of each calendar."""
        found: dict[CalendarOwner, list[Entry]] = {}
        for held in self.parts:
            for owner in held.owners(self.company_id, self.branch_id):
                found.setdefault(owner, []).append(self._entry(held))
        return found

    def _entry(self, held: HeldPart) -> Entry:
        return Entry(
            held.starts_at,
            (held.ends_at - held.starts_at) // timedelta(minutes=1),
            held.before_min,
            held.after_min,
            Kind.HOLD,
            self.service_number,
            self.reference,
            self.expires_at,
            self.address.point() if self.address else None,
        )


def lapses_at(now: datetime) -> datetime:
    """When a hold made now lapses, on the next whole minute."""
    later = now + LASTS
    whole = later.replace(second=0, microsecond=0)
    return whole if whole == later else whole + timedelta(minutes=1)
