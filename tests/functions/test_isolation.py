"""Walks the route table: the owner gets in, another company finds nothing, a token without the ability is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from chalicelib.booking.tables import BookingRow
from chalicelib.calls import recording
from chalicelib.calls.tables import CallRow
from chalicelib.core.clock import now
from chalicelib.core.doors import PUBLIC, all_doors
from chalicelib.core.tables import Row
from chalicelib.core.unit import Unit
from chalicelib.identity.opening import Person, open_company
from chalicelib.identity.signing_in import sign_in
from chalicelib.identity.tables import IdentityRow
from chalicelib.vendors.retell import RetellCall
from functions.identity.authorizer import bearer
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws, open_practice

PASSWORD = "correct horse battery"
ROUTES = sorted({(r.method, r.path) for door in all_doors() for r in door.routes if r.ability != PUBLIC})


@dataclass(frozen=True)
class Holder(Caller):
    """Someone with a token of his own, let through by the real authorizer."""

    token: str = ""

    def context(self) -> dict[str, str]:
        event = {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {self.token}",
            "methodArn": "arn:aws:execute-api:eu-central-1:1:api/api/GET/x",
        }
        given: dict[str, str] = bearer(event, None)["context"]
        return given | ({"abilities": self.abilities} if self.abilities != "*" else {})


@dataclass(frozen=True)
class World:
    """Two companies; all records are the owner's."""

    practice: Practice
    owner: Holder
    stranger: Holder
    user_id: str
    token_id: str
    appointment_id: str
    call_id: str


@dataclass(frozen=True)
class Recipe:
    """How to ask a route for something of the owner's. `stranger`: what another company's token gets."""

    path: Callable[[World], str]
    body: Callable[[World], Any] = lambda world: None
    stranger: Literal["nothing there", "only his own"] = "nothing there"


def booking_body(world: World) -> dict[str, Any]:
    return {
        "branch_id": world.practice.branches[1].id,
        "service": "Haircut",
        "starts_at": _monday(13).isoformat(),
        "customer": {"phone": "+12125550123"},
    }


def recipe(path: str, body: Any = None, stranger: Literal["nothing there", "only his own"] = "nothing there") -> Recipe:
    return Recipe(lambda world: path.format(**vars(world)), lambda world: body, stranger)


RECIPES: dict[tuple[str, str], Recipe] = {
    ("POST", "/api/appointments"): Recipe(lambda w: "/api/appointments", booking_body),
    ("POST", "/api/events"): Recipe(lambda w: "/api/events", booking_body),
    ("GET", "/api/appointments"): recipe("/api/appointments", stranger="only his own"),
    ("GET", "/api/events"): recipe("/api/events", stranger="only his own"),
    ("GET", "/api/appointments/{appointment_id}"): recipe("/api/appointments/{appointment_id}"),
    ("GET", "/api/events/{appointment_id}"): recipe("/api/events/{appointment_id}"),
    ("GET", "/api/calls"): recipe("/api/calls", stranger="only his own"),
    ("GET", "/api/calls/{call_id}"): recipe("/api/calls/{call_id}"),
    ("GET", "/api/calls/{call_id}/chain"): recipe("/api/calls/{call_id}/chain"),
    ("GET", "/api/users"): recipe("/api/users", stranger="only his own"),
    ("PUT", "/api/users/{user_id}/person"): recipe("/api/users/{user_id}/person", {}),
    ("GET", "/auth/me"): recipe("/auth/me", stranger="only his own"),
    ("GET", "/auth/tokens"): recipe("/auth/tokens", stranger="only his own"),
    ("POST", "/auth/tokens"): recipe(
        "/auth/tokens", {"name": "Reports", "abilities": ["appointments:read"]}, "only his own"
    ),
    ("DELETE", "/auth/tokens/{token_id}"): recipe("/auth/tokens/{token_id}"),
    ("POST", "/auth/logout"): recipe("/auth/logout", stranger="only his own"),
    ("POST", "/auth/invite"): recipe(
        "/auth/invite", {"email": "new@example.com", "name": "New One", "role": "staff"}, "only his own"
    ),
}


@pytest.fixture
def world(aws: EmbeddedAws) -> World:
    holders = {}
    for name in ("owner", "stranger"):
        company_id = f"com_{name}"
        open_company(name.title(), Person(name.title(), f"{name}@example.com", PASSWORD), now, company_id=company_id)
        signed_in = sign_in(f"{name}@example.com", PASSWORD, "203.0.113.7", now)
        holders[name] = Holder(company_id=company_id, token=signed_in.issued.secret)
    spare = sign_in("owner@example.com", PASSWORD, "203.0.113.7", now).issued.token
    practice = open_practice("com_owner", calcom=False)
    made = call("POST", "/api/appointments", caller=holders["owner"], body={
        "branch_id": practice.branches[1].id, "service": "Haircut", "starts_at": _monday(10).isoformat(),
        "customer": {"phone": "+12125550199"},
    }).json  # fmt: skip
    rung = RetellCall(call_id="retell-1", to_number=practice.branches[1].phone)
    call_id = recording.record(rung, Unit, now())
    return World(practice, holders["owner"], holders["stranger"], spare.user_id, spare.id, made["id"], call_id)


def test_every_route_has_a_recipe() -> None:
    assert sorted(RECIPES) == ROUTES


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_company_keeps_to_itself(world: World, method: str, path: str) -> None:
    wanted = RECIPES[method, path]
    if method == "DELETE":  # the owner's own request would leave nothing to protect
        _strangers_get_nothing(world, method, wanted)
        _refused_without_ability(world, method, wanted)
        assert _ask(world, world.owner, method, wanted).status < 300
        return
    mine = _ask(world, world.owner, method, wanted)
    assert 200 <= mine.status < 300, mine
    if path == "/auth/logout":
        return
    if wanted.stranger == "nothing there":
        _strangers_get_nothing(world, method, wanted)
    else:
        theirs = _ask(world, world.stranger, method, wanted, {"email": "other@example.com"})
        assert 200 <= theirs.status < 300, theirs
        for ours in (world.appointment_id, world.call_id, world.token_id, "owner@example.com", "com_owner"):
            assert ours not in theirs.text
    _refused_without_ability(world, method, wanted)


def test_a_token_that_was_logged_out_opens_nothing(world: World) -> None:
    assert call("POST", "/auth/logout", caller=world.owner).status == 204
    with pytest.raises(Exception, match="Unauthorized"):
        call("GET", "/auth/me", caller=world.owner)


def _strangers_get_nothing(world: World, method: str, wanted: Recipe) -> None:
    before = _everything_of("com_owner")
    answer = _ask(world, world.stranger, method, wanted)
    assert answer.status == 404, answer
    assert _everything_of("com_owner") == before


def _refused_without_ability(world: World, method: str, wanted: Recipe) -> None:
    weak = Holder(company_id=world.owner.company_id, token=world.owner.token, abilities="nothing:at-all")
    before = _everything_of("com_owner")
    answer = _ask(world, weak, method, wanted)
    assert answer.status == 403, answer
    assert answer.json["code"] == "missing_ability"
    assert _everything_of("com_owner") == before


def _ask(world: World, who: Holder, method: str, wanted: Recipe, instead: dict[str, Any] | None = None) -> Answer:
    body = wanted.body(world)
    if body and instead and "email" in body:
        body = body | instead
    return call(method, wanted.path(world), caller=who, body=body)


def _everything_of(company_id: str) -> list[str]:
    rows: list[Row] = [*BookingRow.scan(), *CallRow.scan(), *IdentityRow.scan()]
    return sorted(f"{row.pk}|{row.sk}|{row.data}" for row in rows if row.pk.startswith(company_id))


def _monday(hour: int) -> datetime:
    today = now().astimezone(ZoneInfo("America/New_York"))
    day = today + timedelta(days=7 - today.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
