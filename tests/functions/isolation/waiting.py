"""The waiting list."""

from typing import Any

from infra.local.invoking import call
from tests.functions.isolation.world import Recipe, Recipes, World, recipe

PLACE = "/api/waiting-list"


def prepare(world: World) -> None:
    """A customer who waits."""
    world.ids["waiting_id"] = call("POST", PLACE, caller=world.owner, body=_booking_request(world)).json["id"]


def _booking_request(world: World) -> dict[str, Any]:
    return {
        "branch_id": world.practice.branches[1].id, "services": ["Haircut"], "customer": {"email": "ada@example.com"},
    }  # fmt: skip


RECIPES: Recipes = {
    ("POST", PLACE): Recipe(PLACE, _booking_request),
    ("GET", PLACE): recipe(PLACE, stranger="only their own"),
    ("GET", f"{PLACE}/{{waiting_id}}"): recipe(f"{PLACE}/{{waiting_id}}"),
    ("DELETE", f"{PLACE}/{{waiting_id}}"): recipe(f"{PLACE}/{{waiting_id}}"),
}
