"""Botocore clients, made once per process and shared: creating one costs more than most imports."""

import threading
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.session import Session

_lock = threading.Lock()
_session: Session | None = None
_clients: dict[str, Any] = {}
call_hooks: list[Callable[[str, str], None]] = []
"""Called as hook("before"|"after", "dynamodb.PutItem") around every AWS call: counts and kill tests hang here."""

_SIGNING: dict[str, Any] = {
    "signature_version": "s3v4",
    "s3": {"addressing_style": "virtual"},
    "request_checksum_calculation": "when_required",
}
"""Links name the region's own host: the global one redirects uploads to new buckets, which browsers do not follow."""


def client(service: str) -> Any:
    """The process's client for `service`. Endpoints come from AWS_ENDPOINT_URL, as in any botocore program."""
    found = _clients.get(service)
    if found is not None:
        return found
    with _lock:
        if service not in _clients:
            _clients[service] = _create(service)
        return _clients[service]


def _create(service: str) -> Any:
    global _session
    if _session is None:
        _session = Session()
    from chalicelib.core.settings import settings

    made = _session.create_client(
        service,
        region_name=settings().region,
        config=Config(
            # Our rows are built by pynamodb and our calls are few and fixed: validating them again costs ~1 ms a call.
            parameter_validation=False,
            retries={"mode": "standard", "total_max_attempts": 3},
            **(_SIGNING if service == "s3" else {}),
            connect_timeout=2,
            read_timeout=25 if service == "sqs" else 5,
            max_pool_connections=64,
        ),
    )
    made.meta.events.register_first("before-call.*.*", _before)
    made.meta.events.register_last("after-call.*.*", _after)
    return made


def _before(model: Any, **_: Any) -> None:
    for hook in call_hooks:
        hook("before", f"{model.service_model.service_name}.{model.name}")


def _after(model: Any, **_: Any) -> None:
    for hook in call_hooks:
        hook("after", f"{model.service_model.service_name}.{model.name}")


def forget_clients() -> None:
    """Drop every client, so that the next call sees changed credentials or endpoints (tests, and the CLI's --stage)."""
    global _session
    with _lock:
        _clients.clear()
        _session = None
