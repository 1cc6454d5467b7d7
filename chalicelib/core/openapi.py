"""The OpenAPI 3.1 document, made from what endpoints declare: when packaging for Lambda, on first use locally."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.core.endpoints import PUBLIC, Endpoint, Route
from chalicelib.core.openapi_errors import problem_schema, responses_of
from chalicelib.core.openapi_examples import example_of

REFERENCE = "#/components/schemas/{name}"
TITLE = "PilotPractice"
ABOUT = """The backend of a clinic, salon or studio.

Send `Authorization: Bearer <token>`. Times are RFC 3339 with an offset. Lists are paged: pass `next_cursor` on as
`cursor` until it is null. Failures are `application/problem+json` (RFC 9457) with a stable `code` and a `request_id`.
"""
Json = dict[str, Any]


def encode(made: Json) -> bytes:
    """As JSON, the same bytes for the same endpoints, so that packages can be reproduced."""
    return msgspec.json.encode(made)


def document(endpoints: Iterable[Endpoint], *, server: str | None = None) -> Json:
    """Describe every route. `server`: where the API stands; left out, it stands where the document was fetched.

    Raises TypeError when a view's models cannot be described, ValueError when a declared error is not `code status`.
    """
    listed = sorted(((endpoint, route) for endpoint in endpoints for route in endpoint.routes), key=_sort_key)
    schemas, components = _schemas(route for _, route in listed)
    responses: dict[str, Json] = {}
    paths: dict[str, Json] = {}
    for endpoint, route in listed:
        described = _operation(endpoint, route, schemas, components) | {
            "responses": _success(route, schemas, components)
        }
        described["responses"] |= responses_of(route, responses)
        paths.setdefault(route.path, {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "0.1.0", "description": ABOUT},
        "servers": [{"url": server or "."}],
        "tags": [{"name": area} for area in sorted({endpoint.area for endpoint, _ in listed})],
        "paths": paths,
        "components": {
            "schemas": components | {"Problem": problem_schema()},
            "responses": dict(sorted(responses.items())),
            "headers": _headers(),
            "parameters": {"IdempotencyKey": _idempotency_key()},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "POST /auth/login"}},
        },
    }


def _sort_key(entry: tuple[Endpoint, Route]) -> tuple[str, str, str]:
    endpoint, route = entry
    return endpoint.area, route.path, route.method


def _schemas(routes: Iterable[Route]) -> tuple[dict[Any, Json], dict[str, Json]]:
    """The schema of every model in use, by model, and the components they refer to."""
    models = {str(model): model for route in routes for model in route.models().values() if not _is_raw(model)}
    found, components = msgspec.json.schema_components(models.values(), ref_template=REFERENCE)
    for component in components.values():
        _name_instants(component)
    return dict(zip(models, found, strict=True)), components


def _name_instants(component: Json) -> None:
    # msgspec gives a datetime its format only where an offset is demanded; ours all have one and end in `_at`.
    for name, schema in component.get("properties", {}).items():
        for each in schema.get("anyOf", [schema]) if name.endswith("_at") else ():
            if each.get("type") == "string":
                each.setdefault("format", "date-time")


def _is_raw(model: Any) -> bool:
    # A view that answers with a Response chose its own content type; one that answers None sends no body.
    return model is type(None) or (isinstance(model, type) and model.__module__.startswith("chalice."))


def _operation(endpoint: Endpoint, route: Route, schemas: dict[Any, Json], components: Json) -> Json:
    summary, _, description = inspect.cleandoc(route.view.__doc__ or route.view.__name__).partition("\n")
    made: Json = {
        "operationId": _operation_id(endpoint, route),
        "tags": [endpoint.area],
        "summary": summary.rstrip("."),
        "description": description.strip() or summary,
        "x-ability": route.ability or None,
        "security": [] if route.ability == PUBLIC else [{"bearer": []}],
        "parameters": _parameters(route, schemas, components),
    }
    body = _body(route, schemas, components)
    return made | ({"requestBody": body} if body else {})


def _operation_id(endpoint: Endpoint, route: Route) -> str:
    if route.path == endpoint.routes[0].path:
        return route.view.__name__
    # A further path of the same view; ids must differ.
    return f"{route.view.__name__}_at_{'_'.join(part.strip('{}') for part in route.path.split('/') if part)}"


def _parameters(route: Route, schemas: dict[Any, Json], components: Json) -> list[Json]:
    made: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in route.path_names()
    ]
    query = route.models().get("query")
    if query is not None:
        schema = _resolved(schemas[str(query)], components)
        made += [
            {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": each}
            for name, each in schema["properties"].items()
        ]
    if route.idempotent:
        made.append({"$ref": "#/components/parameters/IdempotencyKey"})
    return made


def _resolved(schema: Json, components: Json) -> Json:
    name = schema.get("$ref", "").rpartition("/")[2]
    return components[name] if name else schema


def _body(route: Route, schemas: dict[Any, Json], components: Json) -> Json | None:
    model = route.models().get("body")
    if model is None:
        # A webhook reads the raw body itself; its example shows what the vendor sends.
        if route.example is None or route.method == "GET":
            return None
        return {"content": {"application/json": {"schema": {}, "example": route.example}}}
    content: Json = {"schema": schemas[str(model)]}
    example = route.example if route.example is not None else example_of(schemas[str(model)], components)
    if example is not None:
        content["example"] = example
    return {"required": True, "content": dict.fromkeys(route.content_types, content)}


def _success(route: Route, schemas: dict[Any, Json], components: Json) -> Json:
    model = route.models().get("return")
    made: Json = {"description": "Done.", "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}}
    if route.idempotent:
        made["headers"]["Idempotent-Replayed"] = {"$ref": "#/components/headers/IdempotentReplayed"}
    if route.status != 204 and model is not type(None):
        made["content"] = {"*/*": {}} if _is_raw(model) else {"application/json": _answer(route, schemas, components)}
    return {str(route.status): made}


def _answer(route: Route, schemas: dict[Any, Json], components: Json) -> Json:
    models = route.models()
    schema = schemas.get(str(models.get("return")), {})
    given = route.example if "body" not in models and route.method == "GET" else None
    example = given if given is not None else example_of(schema, components)
    return {"schema": schema} | ({} if example is None else {"example": example})


def _headers() -> Json:
    return {
        "RequestId": {"description": "Name it when you report a problem.", "schema": {"type": "string"}},
        "IdempotentReplayed": {
            "description": "`true` when this is the answer that an earlier request with this key got.",
            "schema": {"type": "string", "enum": ["true"]},
        },
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    }


def _idempotency_key() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "A key of your own making: the same key and request again, within 24 hours, get the same "
        "answer and change nothing twice. Another request with that key is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "example": "5c1f0d0e-7f2c-4a58-9d0e-booking-1",
    }
