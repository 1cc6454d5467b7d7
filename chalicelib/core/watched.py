"""Which workers, relays and schedules there should be: the file that packaging wrote, or the doors themselves."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from chalicelib.core.doors import Door

FILE = Path(__file__).resolve().parents[1] / "watched.json"
"""Where packaging puts it inside the zip; a checkout has none."""


class Watched(msgspec.Struct, frozen=True):
    """A door that runs without being asked. `queue` of a worker, `schedule` of a schedule."""

    name: str
    kind: Literal["queue", "schedule", "stream"]
    queue: str = ""
    schedule: str = ""


def of_doors(doors: Iterable[Door]) -> list[Watched]:
    """Those among them. Who buries dead letters is not: it has nothing to do as long as all is well."""
    return [
        Watched(door.name, door.kind, door.queue, door.schedule)
        for door in doors
        if door.kind in ("queue", "schedule", "stream") and not door.dead
    ]


@cache
def load() -> list[Watched]:
    """All of this version's. Without the file every door is imported, which is why no Lambda goes without."""
    if FILE.exists():
        return msgspec.json.decode(FILE.read_bytes(), type=list[Watched])
    from chalicelib.core.doors import all_doors

    return of_doors(all_doors())
