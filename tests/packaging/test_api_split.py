"""Which API serves which path: known by the path alone, and never another one than before."""

import pytest

from chalicelib.core.discovery import all_endpoints
from infra.api_split import APIS, FRONT, PREFIXES, Undecided, api_of

LETTERS = {"a-e": "abcde", "f-o": "fghilmno", "p-t": "prst"}
"""As they were deployed first: a letter that moves takes its routes down for the length of a deployment."""


def test_no_letter_has_moved() -> None:
    assert {FRONT, *LETTERS} <= set(APIS)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        (api,) = [api for api, letters in LETTERS.items() if letter in letters] or [FRONT]
        assert api_of(f"/api/{letter}") == api_of(f"/api/{letter}ny-thing/{{id}}/more") == api


@pytest.mark.parametrize(
    "path", ["/", "/api", "/health", "/auth/login", "/public/staff", "/webhooks/fic/{account_id}/{event_group}"]
)
def test_what_is_outside_of_api_is_the_fronts(path: str) -> None:
    assert api_of(path) == FRONT


@pytest.mark.parametrize("path", ["/{anything}", "/api/{collection}", "/{version}/api/staff"])
def test_a_parameter_where_the_api_is_decided_is_refused(path: str) -> None:
    with pytest.raises(Undecided, match="begin it with a name"):
        api_of(path)


def test_every_api_serves_some_route_and_every_prefix_names_an_api() -> None:
    assert {api_of(route.path) for endpoint in all_endpoints() for route in endpoint.routes} == set(APIS)
    assert set(PREFIXES.values()) | {FRONT} == set(APIS)
