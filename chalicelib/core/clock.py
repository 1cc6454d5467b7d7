"""The one place that reads the clock; use cases take a `Clock` so that tests decide what time it is."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present instant, aware, in UTC."""


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def to_utc(instant: datetime) -> datetime:
    """The same instant in UTC; raises ValueError for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a UTC offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 near its edge, once the offset is applied
        return (datetime.min if instant.year == 1 else datetime.max).replace(tzinfo=UTC)


def stamp(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds, fixed width, so that text order is time order (sort keys)."""
    return to_utc(instant).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970, what DynamoDB's TTL wants."""
    return int(instant.timestamp())
