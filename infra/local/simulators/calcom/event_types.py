"""Event types (services) of the simulated Cal.com account, and when their hosts are free."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

OPENS, CLOSES = time(8), time(20)
"""Every host works every day, 08:00 to 20:00 UTC."""


class Host(msgspec.Struct, kw_only=True, rename="camel"):
    """Who holds the appointment."""

    id: int
    name: str = ""
    email: str = ""
    username: str = ""
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        self.name = self.name or f"Host {self.id}"
        self.username = self.username or f"host-{self.id}"
        self.email = self.email or f"{self.username}@example.com"


class EventType(msgspec.Struct, kw_only=True, rename="camel"):
    """A service. Without `hosts` it has one of its own, so that two services do not block each other."""

    id: int
    slug: str = ""
    title: str = ""
    length_in_minutes: int = 30
    length_in_minutes_options: list[int] = []
    hosts: list[Host] = []
    requires_confirmation: bool = False

    def __post_init__(self) -> None:
        self.slug = self.slug or f"event-{self.id}"
        self.title = self.title or self.slug.replace("-", " ").capitalize()
        self.hosts = self.hosts or [Host(id=self.id)]

    def free_host(self, start: datetime, end: datetime, taken: Iterable[tuple[int, datetime, datetime]]) -> Host | None:
        """The first host whom no (host id, start, end) in `taken` overlaps; touching is not overlapping."""
        busy = {host for host, from_, until in taken if from_ < end and start < until}
        return next((host for host in self.hosts if host.id not in busy), None)

    def starts(self, since: datetime, until: datetime, minutes: int) -> Iterator[tuple[datetime, datetime]]:
        """Every (start, end) of `minutes` within opening hours, between two UTC instants, one right after another."""
        day = since.date()
        while day <= until.date():
            start = datetime.combine(day, OPENS, UTC)
            while start + timedelta(minutes=minutes) <= datetime.combine(day, CLOSES, UTC):
                if since <= start <= until:
                    yield start, start + timedelta(minutes=minutes)
                start += timedelta(minutes=minutes)
            day += timedelta(days=1)


def event_type_from_text(text: str) -> EventType:
    """`id[:slug[:minutes[:host,host]]]`, for a command line; raises ValueError."""
    number, slug, minutes, hosts = [*text.split(":"), "", "", ""][:4]
    return EventType(
        id=int(number),
        slug=slug,
        length_in_minutes=int(minutes or 30),
        hosts=[Host(id=int(host)) for host in hosts.split(",") if host],
    )


def event_type_from_json(value: Any) -> EventType:
    """Decoded JSON; hosts may be bare numbers. Raises ValueError."""
    if isinstance(value, dict) and isinstance(value.get("hosts"), list):
        value = {**value, "hosts": [{"id": one} if isinstance(one, int) else one for one in value["hosts"]]}
    return msgspec.convert(value, EventType)
