"""What a route may answer when it fails: its problems by status, as OpenAPI responses."""

from typing import Any

from chalicelib.core.endpoints import PUBLIC, Route
from chalicelib.core.errors import DomainError
from chalicelib.core.problems import CONTENT_TYPE

Json = dict[str, Any]
KEY_CODES = ("bad_idempotency_key", "idempotency_key_reused")


def codes_of(route: Route) -> dict[int, list[str]]:
    """Every code the route may answer, by HTTP status: the usual ones and those it declares as `code status`."""
    found: dict[int, list[str]] = {}
    for code, status in (*_usual(route), *map(_declared, route.errors)):
        if code not in found.setdefault(status, []):
            found[status].append(code)
    return dict(sorted(found.items()))


def _usual(route: Route) -> list[tuple[str, int]]:
    models = route.models()
    usual = [("internal_error", 500)]
    if route.ability != PUBLIC:
        usual += [("unauthenticated", 401), ("missing_ability", 403)]
    if "query" in models or "body" in models:
        usual.append(("invalid_request", 422))
    if "body" in models:
        usual += [("not_json", 422), ("unsupported_media_type", 415)]
    if route.method not in ("GET", "DELETE"):
        usual.append(("body_too_large", 413))
    if route.idempotent:
        usual += [(code, 422) for code in KEY_CODES]
    return usual


def _declared(error: str) -> tuple[str, int]:
    code, _, status = error.partition(" ")
    if not status.isdecimal():
        raise ValueError(f"Declare the error {error!r} with its status, such as 'slot_taken 409'.")
    return code, int(status)


def responses_of(route: Route, shared: dict[str, Json]) -> Json:
    """References to the route's failures by status; what they refer to is added to `shared`, once per set of codes."""
    made: Json = {}
    for status, codes in codes_of(route).items():
        name = ".".join([str(status), *sorted(codes)])
        shared.setdefault(name, _response(status, sorted(codes)))
        made[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return made


def _response(status: int, codes: list[str]) -> Json:
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}}]}
    made: Json = {
        "description": f"{title_of(status)}: {', '.join(codes)}.",
        "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}},
        "content": {
            CONTENT_TYPE: {"schema": schema, "examples": {code: {"value": _example(status, code)} for code in codes}}
        },
    }
    if status == 429:
        made["headers"]["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return made


def title_of(status: int) -> str:
    """What `core.errors` calls this status."""
    kinds: list[type[DomainError]] = [DomainError, *DomainError.__subclasses__()]
    return next((kind.title for kind in kinds if kind.status == status), DomainError.title)


def _example(status: int, code: str) -> Json:
    problem: Json = {
        "type": f"urn:pilotpractice:problem:{code}",
        "title": title_of(status),
        "status": status,
        "detail": f"A sentence that says what to do about {code}.",
        "code": code,
        "instance": "/api/…",
        "request_id": "6f1c2b8e-2f0d-4f2e-9a39-0c5d5b0c7a11",
    }
    if code == "invalid_request":
        problem["errors"] = [{"path": "body.starts_at", "code": "required", "message": "This field is required."}]
    if status == 429:
        problem["retry_after"] = 30
    return problem


def problem_schema() -> Json:
    """RFC 9457's problem details as this API sends them; further members depend on the code."""
    text = {"type": "string"}
    fault = {
        "type": "object",
        "properties": {"path": text | {"examples": ["body.starts_at"]}, "code": text, "message": text},
        "required": ["path", "code", "message"],
    }
    return {
        "title": "Problem",
        "description": "Why a request failed (RFC 9457). Decide by `code`; show `detail` to people.",
        "type": "object",
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text,
            "code": text,
            "instance": text,
            "request_id": text,
            "errors": {"type": "array", "items": fault, "description": "Every wrong field."},
            "retry_after": {"type": "integer", "description": "Whole seconds to wait (429)."},
        },
        "required": ["type", "title", "status", "detail", "code", "instance", "request_id"],
    }
