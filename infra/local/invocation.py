"""Calling a door the way Lambda does: its own entry, an event, a context."""

from typing import Any

from chalice.local import LambdaContext

from chalicelib.core.doors import Door, all_doors
from chalicelib.core.settings import settings


def invoke(door: Door, event: dict[str, Any]) -> Any:
    """What the door's Lambda answers to `event`. Time limits are stated in the context but not enforced."""
    name = f"{settings().prefix}-{door.area}-{door.name}"
    context = LambdaContext(name, door.memory_mb, max_runtime_ms=door.timeout_seconds * 1000)
    return door.entry(event, context)


def doors_of(kind: str) -> list[Door]:
    """Every door of one kind: queue, schedule, stream."""
    return [door for door in all_doors() if door.kind == kind]
