"""Calling an endpoint the way Lambda does: its own entry, an event, a context."""

from typing import Any

from chalice.local import LambdaContext

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.settings import settings


def invoke(endpoint: Endpoint, event: dict[str, Any]) -> Any:
    """What the endpoint's Lambda answers to `event`. Time limits are stated in the context but not enforced."""
    name = f"{settings().prefix}-{endpoint.area}-{endpoint.name}"
    context = LambdaContext(name, endpoint.memory_mb, max_runtime_ms=endpoint.timeout_seconds * 1000)
    return endpoint.entry(event, context)


def endpoints_of(kind: str) -> list[Endpoint]:
    """Every endpoint of one kind: queue, schedule, stream."""
    return [endpoint for endpoint in all_endpoints() if endpoint.kind == kind]
