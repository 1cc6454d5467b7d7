"""Errors as RFC 9457 problem+json, with a stable code, every field fault and the request id; never a stack trace."""

from typing import Any

import msgspec
from chalice.app import Response

from chalicelib.core.errors import DomainError, RateLimited, SwitchedOff

CONTENT_TYPE = "application/problem+json"


def problem(error: DomainError, request_id: str, instance: str) -> Response:
    """The answer to a failure that the caller can understand."""
    body: dict[str, Any] = {
        "type": f"urn:pilotpractice:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "instance": _text(instance),
        "request_id": request_id,
    }
    if error.faults:
        body["errors"] = [{"path": f.path, "code": f.code, "message": f.message} for f in error.faults]
    body |= {name: value for name, value in error.extra.items() if name not in body}
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, RateLimited | SwitchedOff) else {}
    return _response(error.status, body, headers)


def internal_problem(request_id: str, instance: str) -> Response:
    """The answer to a fault of ours: it says nothing but the id under which the log tells the rest."""
    body = {
        "type": "urn:pilotpractice:problem:internal_error",
        "title": "Something went wrong",
        "status": 500,
        "detail": f"We failed to answer this; tell us the request id {request_id}.",
        "code": "internal_error",
        "instance": _text(instance),
        "request_id": request_id,
    }
    return _response(500, body, {})


def _text(instance: str) -> str:
    # A path may hold what is no text at all; the refusal of it must not fail over it.
    return instance.encode(errors="replace").decode()


def _response(status: int, body: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(
        body=msgspec.json.encode(body).decode(), status_code=status, headers={"Content-Type": CONTENT_TYPE, **headers}
    )
