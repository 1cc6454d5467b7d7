"""What the voice agent says: short sentences, times as people say them in the branch's own zone."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day(instant: datetime, zone: ZoneInfo) -> str:
    """`Tuesday, December 1`."""
    local = instant.astimezone(zone)
    return f"{_DAYS[local.weekday()]}, {_MONTHS[local.month - 1]} {local.day}"


def clock(instant: datetime, zone: ZoneInfo) -> str:
    """`9:30 AM`."""
    local = instant.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"


def moment(instant: datetime, zone: ZoneInfo) -> str:
    """`Tuesday, December 1 at 9:30 AM`."""
    return f"{day(instant, zone)} at {clock(instant, zone)}"


def listing(parts: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def booked(service: str, staff: str, starts_at: datetime, zone: ZoneInfo) -> str:
    """The booking stands."""
    return f"You are booked for {service} with {staff} on {moment(starts_at, zone)}."


def taken(alternatives: Sequence[datetime], zone: ZoneInfo) -> str:
    """The wished time is gone; what about these?"""
    if not alternatives:
        return "That time is not free, and I see nothing near it. Would another day suit you?"
    return f"That time is not free. I could offer {listing([moment(at, zone) for at in alternatives])}."


def free(service: str, starts: Sequence[datetime], zone: ZoneInfo) -> str:
    """What is free, the first few, by day."""
    if not starts:
        return f"I see no free time for {service} then. Would another day suit you?"
    by_day: dict[str, list[str]] = {}
    for at in starts:
        by_day.setdefault(day(at, zone), []).append(clock(at, zone))
    days = [f"{name} at {listing(times)}" for name, times in by_day.items()]
    return f"For {service} I have {'; '.join(days)}."


PENDING = "I have noted that time for you and am waiting for the calendar to confirm it; you will hear from us shortly."
TROUBLE = "I cannot reach our calendar right now, so nothing is booked. Shall we call you back?"
UNKNOWN_NUMBER = "I am sorry, I cannot book for this number."
