"""The document: valid OpenAPI 3.1 for every endpoint of the house, with examples that fit and errors that exist."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from chalice.app import Response
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from chalicelib.booking.practice.providers import provider_names
from chalicelib.core import openapi
from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import PUBLIC, Route
from chalicelib.core.function import Function
from chalicelib.core.openapi_examples import example_of
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request

ROOT = Path(__file__).resolve().parents[2]
things = Function("functions.things.things")


class NewThing(Body):
    """A thing to make."""

    name: Annotated[str, msgspec.Meta(min_length=3, max_length=8)]
    size: Annotated[int, msgspec.Meta(ge=2, lt=4)] = 2


class ThingAnswer(Answer):
    """A thing."""

    id: str
    email: str
    kind: Literal["big", "small"]
    parent: "ThingAnswer | None"
    parts: list["ThingAnswer"]
    extra: dict[str, Any]
    ratio: Annotated[float, msgspec.Meta(gt=0)]
    made_at: str | None


class ThingQuery(PageQuery):
    """Which things."""

    kind: Literal["big", "small"] | None = None


@things.route("GET", "/things", ability="things:read", also=("/old/things",))
def list_things(request: Request, query: ThingQuery) -> Page[ThingAnswer]:
    """Things, the newest first.

    Of one kind or of all.
    """
    raise NotImplementedError


@things.route(
    "POST", "/things", ability="things:write", status=201, errors=("name_taken 409", "no_room 409", "slow 429")
)
def make_thing(request: Request, body: NewThing) -> ThingAnswer:
    """Make a thing."""
    raise NotImplementedError


@things.route("DELETE", "/things/{thing_id}", ability="things:write", status=204, errors=("thing_not_found 404",))
def remove_thing(request: Request, thing_id: str) -> None:
    """Remove a thing."""


@things.route("POST", "/hooks/things", ability=PUBLIC, idempotent=False, status=204, example={"event": "x"})
def hear_of_thing(request: Request) -> None:
    """Take a delivery."""


@things.route("GET", "/things/page", ability=PUBLIC)
def show_page(request: Request) -> Response:
    """A page."""
    raise NotImplementedError


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the things above."""
    found: dict[str, Any] = msgspec.json.decode(openapi.encode(openapi.document(things.endpoints)))
    return found


@pytest.fixture(scope="module")
def house() -> dict[str, Any]:
    """The document of every endpoint there is."""
    found: dict[str, Any] = msgspec.json.decode(openapi.encode(openapi.document(all_endpoints())))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with `METHOD path`."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def codes(document: dict[str, Any], operation: dict[str, Any], status: str) -> list[str]:
    """The problem codes an operation lists under a status."""
    response = document["components"]["responses"][operation["responses"][status]["$ref"].rpartition("/")[2]]
    schema = response["content"]["application/problem+json"]["schema"]
    found: list[str] = schema["allOf"][1]["properties"]["code"]["enum"]
    return found


def test_it_is_valid(document: dict[str, Any], house: dict[str, Any]) -> None:
    for each in (document, house):
        validate(each, cls=OpenAPIV31SpecValidator)
        assert each["openapi"] == "3.1.0"


def test_every_route_of_the_house_is_in_it(house: dict[str, Any]) -> None:
    described = {name for name, _ in operations(house)}
    assert described == {f"{route.method} {route.path}" for endpoint in all_endpoints() for route in endpoint.routes}
    ids = [operation["operationId"] for _, operation in operations(house)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(house):
        assert operation["summary"], name
        assert "500" in operation["responses"], name


def test_every_declared_error_is_raised_somewhere(house: dict[str, Any]) -> None:
    source = "".join(path.read_text() for path in (ROOT / "chalicelib").rglob("*.py"))
    routes = [route for endpoint in all_endpoints() for route in endpoint.routes]
    declared = {error.split()[0] for route in routes for error in route.errors}
    # Codes about a provider are made with its name in them: `awaits_{}`.
    forms = {code: [code, *(code.replace(name, "{}") for name in provider_names())] for code in declared}
    assert not {code for code, all_forms in forms.items() if not any(f'"{form}"' in source for form in all_forms)}


def test_an_operation_says_what_its_route_says(document: dict[str, Any]) -> None:
    listing = document["paths"]["/things"]["get"]
    assert listing["operationId"] == "list_things"
    assert listing["summary"] == "Things, the newest first"
    assert listing["description"] == "Of one kind or of all."
    assert listing["tags"] == ["things"]
    assert listing["x-ability"] == "things:read"
    assert listing["security"] == [{"bearer": []}]
    assert document["paths"]["/old/things"]["get"]["operationId"] == "list_things_at_old_things"
    assert document["paths"]["/hooks/things"]["post"]["security"] == []


def test_query_and_path_become_parameters(document: dict[str, Any]) -> None:
    listed = {each["name"]: each for each in document["paths"]["/things"]["get"]["parameters"]}
    assert set(listed) == {"limit", "cursor", "kind"}
    assert listed["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    assert not any(each["required"] for each in listed.values())
    [path] = document["paths"]["/things/{thing_id}"]["delete"]["parameters"]
    assert (path["name"], path["in"], path["required"]) == ("thing_id", "path", True)


def test_the_key_is_offered_where_it_is_honoured(house: dict[str, Any]) -> None:
    honoured = {f"{r.method} {r.path}" for endpoint in all_endpoints() for r in endpoint.routes if r.idempotent}
    offered = {
        name
        for name, operation in operations(house)
        if {"$ref": "#/components/parameters/IdempotencyKey"} in operation["parameters"]
    }
    assert offered == honoured
    assert "POST /auth/login" not in offered
    assert "POST /api/appointments" in offered


def test_errors_are_problems_with_their_codes(document: dict[str, Any]) -> None:
    make = document["paths"]["/things"]["post"]
    assert list(make["responses"]) == ["201", "401", "403", "409", "413", "415", "422", "429", "500"]
    assert codes(document, make, "409") == ["name_taken", "no_room"]
    assert {"invalid_request", "not_json", "idempotency_key_reused"} <= set(codes(document, make, "422"))
    slow = document["components"]["responses"]["429.slow"]
    assert "Retry-After" in slow["headers"]
    public = document["paths"]["/hooks/things"]["post"]["responses"]
    assert "401" not in public
    assert "403" not in public


def test_answers_are_described_by_their_models(document: dict[str, Any]) -> None:
    page = document["paths"]["/things"]["get"]["responses"]["200"]["content"]["application/json"]
    assert page["schema"]["$ref"] == "#/components/schemas/Page_ThingAnswer_"
    assert "content" not in document["paths"]["/things/{thing_id}"]["delete"]["responses"]["204"]
    assert document["paths"]["/things/page"]["get"]["responses"]["200"]["content"] == {"*/*": {}}
    delivery = document["paths"]["/hooks/things"]["post"]["requestBody"]["content"]["application/json"]
    assert delivery["example"] == {"event": "x"}
    instant = document["components"]["schemas"]["ThingAnswer"]["properties"]["made_at"]["anyOf"][0]
    assert instant["format"] == "date-time"


def examples(document: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Every example with the schema it must fit."""
    shared = document["components"]["responses"]
    for name, operation in operations(document):
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for holder in contents:
            response = shared[holder["$ref"].rpartition("/")[2]] if "$ref" in holder else holder
            for content in response.get("content", {}).values():
                if "example" in content:
                    yield name, content["schema"], content["example"]
                for each in content.get("examples", {}).values():
                    yield name, content["schema"], each["value"]


def test_every_example_fits_its_schema(document: dict[str, Any], house: dict[str, Any]) -> None:
    for each in (document, house):
        for name, schema, example in examples(each):
            whole = {"components": each["components"], **schema}
            faults = list(Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(example))
            assert not faults, (name, faults[0].message)


def test_every_body_and_answer_of_the_house_has_an_example(house: dict[str, Any]) -> None:
    for name, operation in operations(house):
        for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
            for kind, content in holder.get("content", {}).items():
                assert kind == "*/*" or "example" in content or content["schema"] == {"type": "object"}, name


def test_no_example_is_made_up_for_what_cannot_be_guessed() -> None:
    assert example_of({"type": "string", "pattern": "^a+$"}, {}) is None
    optional = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a+$"}, "b": {"type": "integer"}}}
    assert example_of(optional, {}) == {"b": 1}
    assert example_of(optional | {"required": ["a"]}, {}) is None


def test_an_error_declared_without_its_status_is_refused() -> None:
    def view(request: Request) -> None:
        """Fail."""

    function = Function("functions.things.more")
    function.route("GET", "/x", ability=PUBLIC, errors=("just_a_code",))(view)
    with pytest.raises(ValueError, match="just_a_code"):
        openapi.document(function.endpoints)


def test_the_server_is_where_it_was_fetched_unless_named(document: dict[str, Any]) -> None:
    assert document["servers"] == [{"url": "."}]
    named = openapi.document(things.endpoints, server="https://api.example.com/prod")
    assert named["servers"] == [{"url": "https://api.example.com/prod"}]


def test_routes_know_their_models() -> None:
    [endpoint] = [endpoint for endpoint in things.endpoints if endpoint.name == "make_thing"]
    route: Route = endpoint.routes[0]
    assert route.models() == {"body": NewThing, "return": ThingAnswer}
    assert endpoint.function_name("pilot-prod") == "pilot-prod-things-make_thing"


def test_function_names_fit_into_lambdas_limit() -> None:
    assert max(len(endpoint.function_name("pilot-prod")) for endpoint in all_endpoints()) <= 64
