"""What the voice agent asks for, read leniently from what a language model filled in."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from dateutil.tz import datetime_ambiguous, datetime_exists

from chalicelib.core.errors import invalid
from chalicelib.core.payloads import read


class AvailabilityArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`date`: YYYY-MM-DD on the branch's calendar, the next days when absent. `staff`: id or name."""

    service: str
    date: str | None = None
    staff: str | None = None
    branch_id: str | None = None


class BookingArgs(msgspec.Struct, frozen=True, kw_only=True):
    """`starts_at`: RFC 3339, or without an offset as the branch's clock shows it. No `phone`: the caller's."""

    service: str
    starts_at: str
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    staff: str | None = None
    branch_id: str | None = None


def read_args(args: dict[str, Any], kind: type[Any]) -> Any:
    """The arguments as `kind`; nulls and empty text count as absent. Raises Invalid with every fault under `args.`."""
    given = {name: value for name, value in args.items() if value is not None and value != ""}
    return read(given, kind, "args", strict=True)


def spoken_instant(text: str, zone: ZoneInfo, path: str) -> datetime:
    """The instant meant, in UTC; an hour that the clock shows twice is its first. Raises Invalid about `path`."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise invalid(path, "not_a_time", f"{text!r} is not a time such as 2026-12-01T09:30.") from None
    if len(text.strip()) <= len("2026-12-01"):
        raise invalid(path, "not_a_time", "Give the time of day as well, such as 2026-12-01T09:30.")
    if found.tzinfo is None:
        if not datetime_exists(found, zone):
            raise invalid(path, "skipped_time", "The clocks are put forward then; this time does not exist.")
        found = found.replace(tzinfo=zone, fold=0 if datetime_ambiguous(found, zone) else found.fold)
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise invalid(path, "not_a_time", f"{text!r} is not a time anyone can come.") from None


def spoken_day(text: str, today: date, path: str) -> date:
    """The day meant; raises Invalid about `path` when it is none, or has passed."""
    try:
        day = datetime.combine(date.fromisoformat(text.strip()[:10]), time()).date()
    except ValueError:
        raise invalid(path, "not_a_date", f"{text!r} is not a date such as 2026-12-01.") from None
    if day < today:
        raise invalid(path, "in_the_past", "This day has passed.")
    if (day - today).days > 730:
        raise invalid(path, "too_far_ahead", "This is more than two years ahead.")
    return day
