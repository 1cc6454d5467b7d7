"""A package that was booked: its parts are appointments like any other, made, moved and given up together."""

from datetime import datetime

import msgspec

from chalicelib.booking.appointments.appointment import OVER, Appointment, Status

MOST_PARTS = 6
MOST_CALENDARS = 20
"""Staff and rooms of all parts: with the parts themselves they have to fit into one transaction."""
LONGEST_MIN = 1440
"""From the first minute to the last, with the longest waits: so far around a time a booking reads."""


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """Which appointments were booked as one. Nothing of it changes: how the package stands is how its parts stand."""

    id: str
    company_id: str
    branch_id: str
    service_id: str
    customer_id: str
    appointment_ids: tuple[str, ...]
    created_at: datetime


class FirstPart(Appointment, frozen=True, kw_only=True):
    """The first part of a package as it was booked just now, with all of its `parts`. Never stored like this."""

    parts: tuple[Appointment, ...] = ()


class Together(msgspec.Struct, frozen=True):
    """A package with its parts as they stand, in order."""

    package: Package
    parts: tuple[Appointment, ...]

    @property
    def starts_at(self) -> datetime:
        """When the first part begins."""
        return self.parts[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When the last part ends."""
        return self.parts[-1].ends_at

    @property
    def status(self) -> Status:
        """Of all parts; `confirmed` while some are still to come, `completed` when some took place and some did not."""
        found = {part.status for part in self.parts}
        if len(found) == 1:
            return found.pop()
        return "confirmed" if "confirmed" in found else "completed"

    @property
    def version(self) -> int:
        """Goes up with every change of any part."""
        return sum(part.version for part in self.parts) - len(self.parts) + 1

    def is_over(self) -> bool:
        """Whether it was given up; its parts are, together."""
        return all(part.status in OVER for part in self.parts)
