"""Serving a route: what every request needs, once, around its view."""

import time
from typing import Any, NamedTuple

import msgspec
from chalice.app import Response

from chalicelib.core.addresses import visitor_address
from chalicelib.core.correlation import correlated
from chalicelib.core.endpoints import PUBLIC, Route
from chalicelib.core.errors import DomainError, Invalid, NotFound, TooLarge, UnsupportedMedia
from chalicelib.core.idempotency import kept_answer, key_of
from chalicelib.core.ids import new_id
from chalicelib.core.logging import add_log_context, log, log_context, where
from chalicelib.core.payloads import LARGEST_BODY, read_body, read_query
from chalicelib.core.problems import internal_problem, problem
from chalicelib.core.requests import Request, actor_of, require

LONGEST_PATH_VALUE = 200
_models: dict[Any, dict[str, Any]] = {}


class _Visit(NamedTuple):
    request_id: str
    address: str
    headers: dict[str, str]


def serve(route: Route, incoming: Any, path: dict[str, str]) -> Response:
    """Answer one request: authenticate, parse, call the view, render; every failure becomes a problem."""
    with correlated(str(incoming.context.get("requestId") or new_id("req"))) as request_id:
        return _served(route, incoming, path, request_id)


def _served(route: Route, incoming: Any, path: dict[str, str], request_id: str) -> Response:
    started = time.monotonic()
    log_context(route=f"{route.method} {route.path}")
    headers = {name.lower(): value for name, value in dict(incoming.headers).items()}
    visit = _Visit(request_id, visitor_address(incoming.context.get("identity", {}), headers), headers)
    try:
        response = _answer(route, incoming, path, visit)
    except DomainError as error:
        log.info("refused", extra={"code": error.code})
        response = problem(error, request_id, _instance(incoming, route))
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is, the client gets a problem, never a trace
        log.exception("failed", extra={"where": where(error)})
        response = internal_problem(request_id, _instance(incoming, route))
    response.headers["X-Request-Id"] = request_id
    took = round((time.monotonic() - started) * 1000, 1)
    log.info("answered", extra={"status": response.status_code, "took_ms": took, "ip": visit.address})
    return response


def _instance(incoming: Any, route: Route) -> str:
    # API Gateway puts its stage before the path; the one address of the system has none.
    path, stage = str(incoming.context.get("path", route.path)), incoming.context.get("stage")
    return path.removeprefix(f"/{stage}") if stage else path


def _answer(route: Route, incoming: Any, path: dict[str, str], visit: _Visit) -> Response:
    request = _request(route, incoming, path, visit)
    arguments = _arguments(route, incoming, request, path)
    try:
        answer = route.view(request, **path, **arguments)
    except DomainError:
        # Whatever a repeat runs into (its own slot is taken, its own guard stands), the first answer is the answer.
        kept = request.idempotency and kept_answer(request.company_id, request.idempotency, request.clock())
        if not kept:
            raise
        log.info("replayed")
        return _replayed(*kept)
    if isinstance(answer, Response):
        return answer
    if route.status == 204 or answer is None:
        return Response(body="", status_code=route.status)
    return _json(route.status, msgspec.json.encode(answer), {})


def _replayed(status: int, body: bytes) -> Response:
    if status == 204 or body == b"null":
        return Response(body="", status_code=status, headers={"Idempotent-Replayed": "true"})
    return _json(status, body, {"Idempotent-Replayed": "true"})


def _request(route: Route, incoming: Any, path: dict[str, str], visit: _Visit) -> Request:
    request_id, address, headers = visit
    actor, company_id = actor_of(incoming.context.get("authorizer"), address)
    if route.ability != PUBLIC:
        require(route.ability, actor.abilities)
    add_log_context(company_id=company_id or None, actor=str(actor) if company_id else None)
    _check_path(path)
    raw = _raw(incoming)
    key = headers.get("idempotency-key") if route.idempotent else None
    idempotency = key_of(route.view.__name__, key, raw, path, route.status) if key is not None else None
    where, query = route.path.format_map(path), _pairs(incoming.query_params)
    return Request(request_id, actor, company_id, address, headers, raw, idempotency, where, query)


def _check_path(path: dict[str, str]) -> None:
    # They become parts of keys: DynamoDB refuses overlong ones, and `#` is what parts are joined by.
    for name, value in path.items():
        if not value.isprintable() or "#" in value or len(value) > LONGEST_PATH_VALUE:
            raise NotFound("not_found", f"There is nothing of that {name}.")


def _raw(incoming: Any) -> bytes:
    try:
        raw = incoming.raw_body
        raw = raw.encode() if isinstance(raw, str) else raw
    except ValueError:
        raise Invalid("invalid_request", "The body is neither text in UTF-8 nor valid base64.") from None
    if len(raw) > LARGEST_BODY:
        raise TooLarge("body_too_large", f"The body has {len(raw)} bytes; {LARGEST_BODY} are accepted.")
    return bytes(raw)


def _arguments(route: Route, incoming: Any, request: Request, path: dict[str, str]) -> dict[str, Any]:
    if route.view not in _models:
        _models[route.view] = route.models()
    models = _models[route.view]
    arguments: dict[str, Any] = {}
    if "body" in models:
        given = (request.header("content-type") or "application/json").partition(";")[0].strip().lower()
        if given not in route.content_types:
            raise UnsupportedMedia("unsupported_media_type", f"Send {' or '.join(route.content_types)}, not {given}.")
        arguments["body"] = read_body(request.raw, models["body"])
    if "query" in models:
        arguments["query"] = read_query(request.query, models["query"])
    return arguments


def _pairs(multi: Any) -> dict[str, list[str]]:
    return {name: multi.getlist(name) for name in multi} if multi else {}


def _json(status: int, body: bytes, headers: dict[str, str]) -> Response:
    return Response(body=body.decode(), status_code=status, headers={"Content-Type": "application/json", **headers})
