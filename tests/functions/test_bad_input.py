"""Whatever a client sends to whichever route: never a 500, and every refusal is a problem that names what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Route
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.sizes import examples

CALLER = Caller("com_test")
ROUTES: dict[str, Route] = {f"{r.method} {r.path}": r for endpoint in all_endpoints() for r in endpoint.routes}
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FEW = settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_refused_well(answer: Answer) -> None:
    """2xx, or a problem of the client's."""
    assert answer.status < 500, answer
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        said = answer.json
        assert said["code"]
        assert said["request_id"]
        assert "Traceback" not in answer.text


def path_of(route: Route, value: str) -> str:
    """The path with `value` for its parameters."""
    return "/".join(value if part.startswith("{") else part for part in route.path.split("/"))


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.method in ("POST", "PUT", "PATCH")])
@FEW
@given(data=st.data())
def test_bodies(practice: Practice, name: str, data: st.DataObject) -> None:
    route = ROUTES[name]
    known = dict(route.example) if isinstance(route.example, dict) else {}
    body: Any = data.draw(VALUES)
    field = data.draw(st.sampled_from([None, *sorted(known)]))
    if field:
        body = known | {field: data.draw(VALUES)}
    assert_refused_well(call(route.method, path_of(route, "none"), caller=CALLER, raw=json.dumps(body).encode()))


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.path_names()])
@FEW
@given(value=st.text(st.characters(exclude_characters="/"), min_size=1, max_size=60))
def test_ids(practice: Practice, name: str, value: str) -> None:
    route = ROUTES[name]
    answer = call(route.method, path_of(route, value), caller=CALLER, body={} if route.method != "GET" else None)
    assert_refused_well(answer)
    assert answer.status in (404, 422)


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if "query" in route.models()])
@FEW
@given(data=st.data())
def test_queries(practice: Practice, name: str, data: st.DataObject) -> None:
    route = ROUTES[name]
    fields = [*route.models()["query"].__struct_fields__, "unknown"]
    query = {data.draw(st.sampled_from(fields)): data.draw(st.text(max_size=30)) for _ in range(2)}
    assert_refused_well(call(route.method, path_of(route, "none"), caller=CALLER, query=query))
