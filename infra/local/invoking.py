"""Calls a route's own Lambda the way API Gateway does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint

_endpoints: dict[tuple[str, str], Endpoint] = {}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Caller:
    """Whose token the authorizer would have let through; `abilities` as in its context. No company: no token."""

    company_id: str = ""
    abilities: str = "*"
    user_id: str = "usr_test"

    def context(self) -> dict[str, str]:
        """What API Gateway passes on from the authorizer."""
        if not self.company_id:
            return {}
        return {
            "company_id": self.company_id,
            "user_id": self.user_id,
            "token_id": "tok_test",
            "abilities": self.abilities,
            "principalId": self.user_id,
        }


class Sent(TypedDict, total=False):
    """What a request has besides its method and path; `raw` in place of `body`, which is sent as JSON."""

    caller: Caller
    body: Any
    raw: bytes | None
    headers: dict[str, str] | None
    query: Mapping[str, str | list[str]] | None


def call(method: str, path: str, **sent: Unpack[Sent]) -> Answer:
    """Find the Lambda of `method path` (a path with values in it) and invoke it."""
    endpoint, template, values = _find(method, path)
    event = {
        "requestContext": {
            "httpMethod": method,
            "resourcePath": template,
            "path": path,
            "requestId": "test-request",
            "identity": {"sourceIp": "203.0.113.7"},
            "authorizer": sent.get("caller", Caller()).context(),
        },
        "headers": {"content-type": "application/json", **(sent.get("headers") or {})},
        "pathParameters": values,
        "multiValueQueryStringParameters": _multi(sent.get("query")),
        "stageVariables": None,
        "body": _text(sent),
        "isBase64Encoded": False,
    }
    answer = endpoint.entry(event, None)
    return Answer(answer["statusCode"], answer["headers"], answer["body"])


def _text(sent: Sent) -> str | None:
    raw, body = sent.get("raw"), sent.get("body")
    if raw is not None:
        return raw.decode("utf-8", "surrogateescape")
    return None if body is None else json.dumps(body)


def _multi(query: Mapping[str, str | list[str]] | None) -> dict[str, list[str]] | None:
    return {name: [value] if isinstance(value, str) else value for name, value in query.items()} if query else None


def _find(method: str, path: str) -> tuple[Endpoint, str, dict[str, str]]:
    if not _endpoints:
        _endpoints.update({(r.method, r.path): endpoint for endpoint in all_endpoints() for r in endpoint.routes})
    segments = path.split("/")
    for (known_method, template), endpoint in _endpoints.items():
        parts = template.split("/")
        if known_method == method and len(parts) == len(segments):
            values = {t[1:-1]: w for t, w in zip(parts, segments, strict=True) if t.startswith("{")}
            if all(t.startswith("{") or t == w for t, w in zip(parts, segments, strict=True)):
                return endpoint, template, values
    raise LookupError(f"there is no {method} {path}")
