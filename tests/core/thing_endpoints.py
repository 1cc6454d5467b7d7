"""Endpoints that exist only in tests, and calling their Lambdas as API Gateway does."""

import json
from typing import Any

from chalice.app import Response

from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict, RateLimited
from chalicelib.core.function import Function
from chalicelib.core.ids import new_id
from chalicelib.core.payloads import Answer, Body, Query
from chalicelib.core.requests import Request
from chalicelib.core.rows import GuardRow

SECRET = "swordfish at /srv/secret.py"
things = Function("tests.core.thing_endpoints")


class NewThing(Body):
    """A thing to make."""

    name: str


class ThingAnswer(Answer):
    """A thing made."""

    id: str
    name: str


class ThingQuery(Query):
    """Which things."""

    limit: int = 5


@things.route("POST", "/things", ability="things:write", status=201)
def make_thing(request: Request, body: NewThing) -> ThingAnswer:
    """Make a thing; a second of the same name is refused."""
    made = ThingAnswer(id=new_id("thg"), name=body.name)
    unit = request.unit()
    taken = Conflict("name_taken", "There is one of that name.", name=body.name)
    unit.add(GuardRow(f"{request.company_id}#name#{body.name}", "guard"), taken)
    unit.audit("thing.made", made.id)
    unit.commit(made)
    return made


@things.route("POST", "/tokens", ability="things:write", status=201, idempotent=False)
def make_token(request: Request) -> dict[str, str]:
    """Make something whose answer must not be kept."""
    made = new_id("tok")
    unit = request.unit()
    unit.audit("token.made", made)
    unit.commit({"token": made})
    return {"token": made}


@things.route("POST", "/things/{thing_id}/touch", ability="things:write", status=204)
def touch_thing(request: Request, thing_id: str) -> None:
    """Touch a thing."""
    unit = request.unit()
    unit.audit("thing.touched", thing_id)
    unit.commit()


@things.route("GET", "/things", ability="things:read")
def list_things(request: Request, query: ThingQuery) -> dict[str, int]:
    """Say what was asked."""
    return {"limit": query.limit}


@things.route("GET", "/broken", ability=PUBLIC)
def break_down(request: Request) -> None:
    """Fail with something telling."""
    password = SECRET
    raise RuntimeError(f"cannot open {password}")


@things.route("GET", "/unprintable", ability=PUBLIC)
def answer_nonsense(request: Request) -> Any:
    """Answer what is no JSON."""
    return object()


@things.route("GET", "/slow", ability=PUBLIC)
def refuse_for_now(request: Request) -> None:
    """Ask for patience."""
    raise RateLimited("slow_down", "Wait a little.", retry_after=7)


@things.route("GET", "/page", ability=PUBLIC)
def show_page(request: Request) -> Response:
    """Answer as it likes."""
    return Response(body="<p>hello</p>", status_code=200, headers={"Content-Type": "text/html"})


class Served:
    """An answer as API Gateway gets it."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.status: int = raw["statusCode"]
        self.headers: dict[str, str] = raw["headers"]
        self.text: str = raw["body"]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)


def event(method: str, path: str, **change: Any) -> dict[str, Any]:
    """What API Gateway sends for a token of com_1 with every ability."""
    company, abilities = change.pop("company", "com_1"), change.pop("abilities", "*")
    token = {"company_id": company, "user_id": "usr_1", "abilities": abilities}
    context = {
        "httpMethod": method,
        "resourcePath": path,
        "path": path,
        "requestId": "req-1",
        "identity": {"sourceIp": "203.0.113.7"},
        "authorizer": token,
    }
    return {
        "requestContext": context,
        "headers": {"content-type": "application/json"},
        "pathParameters": {},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
        **change,
    }


def serve(entry: Any, method: str, path: str, key: str | None = None, **change: Any) -> Served:
    """Call the endpoint's Lambda."""
    made = event(method, path, **change)
    if key is not None:
        made["headers"] = {**made["headers"], "Idempotency-Key": key}
    return Served(entry(made, None))


def make(name: str, key: str | None = None, **change: Any) -> Served:
    """POST /things."""
    return serve(make_thing, "POST", "/things", key, body=json.dumps({"name": name}), **change)
