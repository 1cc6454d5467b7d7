"""Time off of a member of staff."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from chalicelib.booking.calendar.entries import Entry, Kind, reference_of
from chalicelib.booking.engine.clocks import MINUTE

PIECE = timedelta(days=14)
"""An entry tells its start from any day it touches in two bytes (22 days); longer absences lie there in pieces."""


class TimeOff(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff is away from `starts_at` to `ends_at` (UTC, half open), in every branch."""

    id: str
    company_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""
    created_at: datetime

    def entries(self) -> list[Entry]:
        """What it takes of the calendar."""
        found = []
        start = self.starts_at
        while start < self.ends_at:
            end = min(start + PIECE, self.ends_at)
            found.append(Entry(start, (end - start) // MINUTE, 0, 0, Kind.TIME_OFF, 0, reference_of(self.id)))
            start = end
        return found
