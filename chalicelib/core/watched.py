"""Which workers, relays and schedules there should be: the file that packaging wrote, or the endpoints themselves."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from chalicelib.core.endpoints import Endpoint

FILE = Path(__file__).resolve().parents[1] / "watched.json"
"""Where packaging puts it inside the zip; a checkout has none."""


class Watched(msgspec.Struct, frozen=True):
    """An endpoint that runs without being asked. `queue` of a worker, `schedule` of a schedule."""

    name: str
    kind: Literal["queue", "schedule", "stream"]
    queue: str = ""
    schedule: str = ""


def of_endpoints(endpoints: Iterable[Endpoint]) -> list[Watched]:
    """Those among them. A dead-letter consumer is not: it has nothing to do as long as all is well."""
    return [
        Watched(endpoint.name, endpoint.kind, endpoint.queue, endpoint.schedule)
        for endpoint in endpoints
        if endpoint.kind in ("queue", "schedule", "stream") and not endpoint.dead
    ]


@cache
def load() -> list[Watched]:
    """All of this version's. Without the file every endpoint is imported, which is why no Lambda goes without."""
    if FILE.exists():
        return msgspec.json.decode(FILE.read_bytes(), type=list[Watched])
    from chalicelib.core.discovery import all_endpoints

    return of_endpoints(all_endpoints())


def worker_of(queue: str) -> str:
    """The name of the endpoint that works off the queue."""
    return next(one.name for one in load() if one.kind == "queue" and one.queue == queue)
