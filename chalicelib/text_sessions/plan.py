"""What is sold: how many sessions for which period, and on what terms."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.booking.practice.hours import local_instant

Period = Literal["week", "month", "year", "once"]
MONTHS = {"month": 1, "year": 12}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` per period, whose days begin at midnight in `zone` (IANA); `once`: granted once, without an end.

    `carries_over`: what is left at a period's end is not lost. `no_show_charged`: a session nobody came to is charged.
    """

    sessions: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    period: Period
    zone: str
    carries_over: bool = False
    no_show_charged: bool = False

    def first_day(self, at: datetime) -> date:
        """The local day on which something sold at `at` begins."""
        return at.astimezone(ZoneInfo(self.zone)).date()

    def end_of(self, first_day: date, number: int) -> datetime | None:
        """When the `number`-th period (from 0) ends: local midnight, whatever the clock does that day; None: never.

        Counted from the first day, so that a period begun on the 31st ends on the last of shorter months and on the
        31st of longer ones.
        """
        if self.period == "once":
            return None
        if self.period == "week":
            day = first_day + timedelta(weeks=number + 1)
        else:
            day = _months_later(first_day, MONTHS[self.period] * (number + 1))
        return local_instant(day, 0, ZoneInfo(self.zone))


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`price` in minor units of `currency` (ISO 4217). What was sold keeps the terms it was sold on."""

    id: str
    company_id: str
    name: str
    terms: Terms
    price: int | None = None
    currency: str | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    version: int = 1

    def changed(self, at: datetime, **fields: object) -> "Plan":
        """The next version of it."""
        return msgspec.structs.replace(self, **fields, updated_at=at, version=self.version + 1)


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
