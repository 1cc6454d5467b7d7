"""Webhook endpoints and their deliveries."""

from infra.local.invoking import call
from tests.functions.isolation.world import Recipes, World, recipe

PLACE = "/api/webhook-endpoints"
ONE = f"{PLACE}/{{endpoint_id}}"
BODY = {"url": "https://192.88.99.1/hook"}


def prepare(world: World) -> None:
    """An endpoint with a delivery."""
    endpoint = call("POST", PLACE, caller=world.owner, body=BODY).json["id"]
    delivery = call("POST", f"{PLACE}/{endpoint}/test", caller=world.owner).json["id"]
    world.ids.update({"endpoint_id": endpoint, "delivery_id": delivery})


RECIPES: Recipes = {
    ("GET", PLACE): recipe(PLACE, stranger="only their own"),
    ("POST", PLACE): recipe(PLACE, BODY, "only their own"),
    ("PUT", ONE): recipe(ONE, BODY),
    ("DELETE", ONE): recipe(ONE),
    ("POST", f"{ONE}/rotate-secret"): recipe(f"{ONE}/rotate-secret"),
    ("POST", f"{ONE}/test"): recipe(f"{ONE}/test"),
    ("GET", f"{ONE}/deliveries"): recipe(f"{ONE}/deliveries"),
    ("POST", f"{ONE}/deliveries/{{delivery_id}}/redeliver"): recipe(f"{ONE}/deliveries/{{delivery_id}}/redeliver"),
}
