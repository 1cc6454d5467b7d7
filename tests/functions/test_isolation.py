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
from chalicelib.crm.customer import Contact
from chalicelib.crm.customers import add_from_contact
from chalicelib.identity import store as identity
from chalicelib.identity.opening import Person, open_company
from chalicelib.identity.signing_in import sign_in
from chalicelib.identity.tables import IdentityRow
from chalicelib.text_sessions.tables import TextSessionRow
from chalicelib.vendors.retell import RetellCall
from functions.identity.authorizer import bearer
from infra.local.demo_practice import Practice
from infra.local.invoking import Answer, Caller, call
from tests.conftest import EmbeddedAws, open_practice
from tests.text_sessions.room import text_appointment

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
    text_appointment_id: str
    customer_id: str
    plan_id: str
    subscription_id: str


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


PLAN = {"name": "Ten a month", "terms": {"sessions": 10, "period": "month", "zone": "Europe/Berlin"}}


def text(verb: str, **fields: Any) -> Recipe:
    return Recipe(
        lambda world: f"/api/text-appointments/{verb}",
        lambda world: {"appointment_id": world.text_appointment_id, **fields},
    )


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
    ("POST", "/api/text-appointments/start-session"): text("start-session"),
    ("POST", "/api/text-appointments/update-activity"): text("update-activity", user_type="doctor"),
    ("POST", "/api/text-appointments/process-deduction"): text(
        "process-deduction", sessions_to_deduct=1, reason="interval"
    ),
    ("POST", "/api/text-appointments/end-session"): text("end-session"),
    ("GET", "/api/text-appointments/{appointment_id}/session-status"): recipe(
        "/api/text-appointments/{text_appointment_id}/session-status"
    ),
    ("GET", "/api/plans"): recipe("/api/plans", stranger="only his own"),
    ("POST", "/api/plans"): recipe("/api/plans", PLAN, "only his own"),
    ("GET", "/api/plans/{plan_id}"): recipe("/api/plans/{plan_id}"),
    ("PUT", "/api/plans/{plan_id}"): recipe("/api/plans/{plan_id}", PLAN),
    ("DELETE", "/api/plans/{plan_id}"): recipe("/api/plans/{plan_id}"),
    ("GET", "/api/subscriptions"): recipe("/api/subscriptions", stranger="only his own"),
    ("POST", "/api/subscriptions"): Recipe(
        lambda w: "/api/subscriptions", lambda w: {"patient_id": w.customer_id, "plan_id": w.plan_id}
    ),
    ("GET", "/api/subscriptions/{subscription_id}"): recipe("/api/subscriptions/{subscription_id}"),
    ("GET", "/api/subscriptions/{subscription_id}/ledger"): recipe("/api/subscriptions/{subscription_id}/ledger"),
    ("POST", "/api/subscriptions/{subscription_id}/grants"): recipe(
        "/api/subscriptions/{subscription_id}/grants", {"sessions": 1, "reason": "Bought"}
    ),
    ("POST", "/api/subscriptions/{subscription_id}/adjustments"): recipe(
        "/api/subscriptions/{subscription_id}/adjustments", {"amount": 1, "reason": "Miscounted"}
    ),
    ("PUT", "/api/subscriptions/{subscription_id}/renewal"): recipe(
        "/api/subscriptions/{subscription_id}/renewal", {"renews": False}
    ),
    ("GET", "/portal/subscription"): recipe("/portal/subscription"),
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
    told = _text_room(spare.user_id, holders["owner"])
    return World(
        practice, holders["owner"], holders["stranger"], spare.user_id, spare.id, made["id"], call_id,
        customer_id=made["customer_id"], **told,
    )  # fmt: skip


def _text_room(user_id: str, owner: Holder) -> dict[str, str]:
    """A text session that runs, whose doctor the owner is; and whose patient, which only a client could be made."""
    unit = Unit("com_owner")
    patient = add_from_contact(unit, Contact(phone="+12125550142"), "api", now())
    user = identity.get_user("com_owner", user_id).linked(patient.id, "stf_owner", now())
    identity.save_user(unit, user)
    unit.commit()
    plan = call("POST", "/api/plans", caller=owner, body=PLAN).json["id"]
    sold = call("POST", "/api/subscriptions", caller=owner, body={"patient_id": patient.id, "plan_id": plan}).json["id"]
    appointment = text_appointment(patient.id, "stf_owner", now() - timedelta(minutes=1), company_id="com_owner")
    body = {"appointment_id": appointment.id}
    assert call("POST", "/api/text-appointments/start-session", caller=owner, body=body).status == 200
    return {"text_appointment_id": appointment.id, "plan_id": plan, "subscription_id": sold}


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
        for ours in (
            world.appointment_id,
            world.call_id,
            world.token_id,
            world.plan_id,
            "owner@example.com",
            "com_owner",
        ):
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
    rows: list[Row] = [*BookingRow.scan(), *CallRow.scan(), *IdentityRow.scan(), *TextSessionRow.scan()]
    return sorted(f"{row.pk}|{row.sk}|{row.data}" for row in rows if row.pk.startswith(company_id))


def _monday(hour: int) -> datetime:
    today = now().astimezone(ZoneInfo("America/New_York"))
    day = today + timedelta(days=7 - today.weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
