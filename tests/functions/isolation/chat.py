"""Chats, as their patient: only a client can be one."""

from datetime import timedelta

from msgspec.structs import replace

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.identity import store as identity
from infra.local.invoking import call
from tests.functions.isolation import text_sessions
from tests.functions.isolation.world import OWNER, Recipes, World, recipe
from tests.text_sessions.room import text_appointment


def prepare(world: World) -> None:
    """The owner, become a client, in a chat with a message, and in one that is over and rated."""
    text_sessions.prepare(world)
    user = identity.get_user(OWNER, world.ids["user_id"])
    unit = Unit(OWNER)
    identity.save_user(unit, replace(user, role="client", version=user.version + 1))
    unit.commit()
    said = call("POST", CHAT.format(**world.ids) + "/messages", caller=world.owner, body={"text": "Private"})
    assert said.status == 201, said
    for name in ("over_id", "rated_id"):
        over = text_appointment(world.ids["customer_id"], "stf_owner", now() - timedelta(minutes=1), company_id=OWNER)
        world.ids[name] = over.id
        for action in ("start-session", "end-session"):
            body = {"appointment_id": over.id}
            assert call("POST", f"/api/text-appointments/{action}", caller=world.owner, body=body).status == 200
    rated = call("POST", RATED.format(**world.ids), caller=world.owner, body={"rating": 4})
    assert rated.status == 201, rated


CHAT = "/api/text-appointments/{text_appointment_id}"
RATED = "/api/text-appointments/{rated_id}/rating"
ROUTE = "/api/text-appointments/{appointment_id}"
FILE = {"name": "a.png", "content_type": "image/png", "size": 3}
RECIPES: Recipes = {
    ("POST", f"{ROUTE}/messages"): recipe(f"{CHAT}/messages", {"text": "Hello"}),
    ("GET", f"{ROUTE}/messages"): recipe(f"{CHAT}/messages"),
    ("POST", f"{ROUTE}/attachments"): recipe(f"{CHAT}/attachments", FILE),
    ("POST", f"{ROUTE}/read"): recipe(f"{CHAT}/read", {"up_to": 1}),
    ("POST", f"{ROUTE}/typing"): recipe(f"{CHAT}/typing"),
    ("POST", f"{ROUTE}/rating"): recipe("/api/text-appointments/{over_id}/rating", {"rating": 5}),
    ("GET", f"{ROUTE}/rating"): recipe(RATED),
}
