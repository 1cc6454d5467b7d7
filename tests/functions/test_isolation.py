"""Walks the route table: the owner gets in, another company finds nothing, a token without the ability is refused.

How each route is asked stands in `isolation/`, a module per area.
"""

import json
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.settings import settings
from infra.local.invoking import Answer, call
from infra.local.simulators.fattureincloud.simulator import FattureInCloudSimulator
from infra.local.simulators.twilio.simulator import TwilioSimulator
from tests.calls.telephone import twilio
from tests.conftest import EmbeddedAws
from tests.functions.isolation.world import OWNER, REFUSALS, Holder, Recipe, World, open_companies

__all__ = ["twilio"]
ROUTES = sorted({(r.method, r.path) for endpoint in all_endpoints() for r in endpoint.routes if r.ability != PUBLIC})
AREAS: list[ModuleType] = [
    import_module(f"tests.functions.isolation.{file.stem}")
    for file in sorted((Path(__file__).parent / "isolation").glob("*.py"))
    if file.stem not in ("__init__", "world")
]
RECIPES = {route: (area, recipe) for area in AREAS for route, recipe in area.RECIPES.items()}


@pytest.fixture
def world(aws: EmbeddedAws, twilio: TwilioSimulator, fic: FattureInCloudSimulator) -> World:
    practice, owner, stranger = aws.emulator.once(aws.account, "two companies", open_companies)
    ids = {"branch": practice.branches[0].id, "service": practice.services[1].id, "staff": practice.staff[0].id}
    return World(practice, owner, stranger, fic, ids)


def test_every_route_has_a_recipe() -> None:
    assert sorted(RECIPES) == ROUTES


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_company_keeps_to_itself(aws: EmbeddedAws, world: World, method: str, path: str) -> None:
    area, chosen = RECIPES[method, path]
    area.prepare(world)
    if method == "DELETE":  # the owner's own request would leave nothing to protect
        _strangers_get_nothing(aws, world, method, chosen)
        _refused_without_ability(aws, world, method, chosen)
        assert _send(world, world.owner, method, chosen).status < 300
        return
    mine = _send(world, world.owner, method, chosen)
    assert 200 <= mine.status < 300, mine
    if path == "/auth/logout":
        return
    if chosen.echoes:
        _wait_until_quiet(aws)
    if chosen.stranger != "only their own":
        _strangers_get_nothing(aws, world, method, chosen)
    else:
        theirs = _send(world, world.stranger, method, chosen, {"email": "other@example.com"})
        assert 200 <= theirs.status < 300, theirs
        for ours in (*world.ids.values(), "owner@example.com", OWNER):
            assert ours not in theirs.text
    _refused_without_ability(aws, world, method, chosen)


def test_a_token_that_was_logged_out_opens_nothing(world: World) -> None:
    assert call("POST", "/auth/logout", caller=world.owner).status == 204
    with pytest.raises(Exception, match="Unauthorized"):
        call("GET", "/auth/me", caller=world.owner)


def _strangers_get_nothing(aws: EmbeddedAws, world: World, method: str, chosen: Recipe) -> None:
    before = _everything_of(aws, OWNER)
    assert before
    answer = _send(world, world.stranger, method, chosen)
    assert answer.status == REFUSALS[chosen.stranger], answer
    assert _everything_of(aws, OWNER) == before


def _refused_without_ability(aws: EmbeddedAws, world: World, method: str, chosen: Recipe) -> None:
    weak = Holder(company_id=world.owner.company_id, token=world.owner.token, abilities="nothing:at-all")
    before = _everything_of(aws, OWNER)
    assert before
    answer = _send(world, weak, method, chosen)
    assert answer.status == 403, answer
    assert answer.json["code"] == "missing_ability"
    assert _everything_of(aws, OWNER) == before


def _send(world: World, who: Holder, method: str, chosen: Recipe, other_ids: dict[str, Any] | None = None) -> Answer:
    body = chosen.body(world)
    if body and other_ids and "email" in body:
        body = body | other_ids
    query = {name: value.format(**world.ids) for name, value in chosen.query.items()}
    return call(
        method, chosen.path.format(**world.ids), caller=who, body=body, headers=chosen.headers, query=query or None
    )


def _wait_until_quiet(aws: EmbeddedAws) -> None:
    seen: list[str] = []
    while seen != (seen := _everything_of(aws, OWNER)):
        time.sleep(0.2)


def _everything_of(aws: EmbeddedAws, company_id: str) -> list[str]:
    apart = {settings().table("guards"), settings().table("audit")}
    items = [item for table, found in aws.emulator.rows(aws.account).items() if table not in apart for item in found]
    theirs = [item for item in items if str(item["pk"]["S"]).startswith(company_id)]
    return sorted(json.dumps([item.get(name) for name in ("pk", "sk", "version", "data")]) for item in theirs)
