"""Packages that were booked."""

from typing import Any

from msgspec.structs import replace

from chalicelib.booking.appointments import package_store
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.core.unit import Unit
from infra.local.invoking import call
from tests.booking.spa import open_spa
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, monday, recipe


def prepare(world: World) -> None:
    """A package that stands, and one that awaits approval."""
    practice = open_spa(OWNER)
    for hour, name in ((10, "package_id"), (13, "asked_package_id")):
        body: dict[str, Any] = {
            "branch_id": practice.branches[1].id,
            "service": "Makeover",
            "starts_at": monday(hour).isoformat(),
            "customer": {"phone": "+12125550123"},
        }
        made = call("POST", "/api/appointments", caller=world.owner, body=body).json
        world.ids[name] = made["package"]["id"]
    unit = Unit(OWNER)
    for part in package_store.get(OWNER, world.ids["asked_package_id"]).parts:
        appointment_store.save_appointment(unit, replace(part, status="requested", version=part.version + 1))
    unit.commit()


def _recipe(what: str, which: str, body: Any) -> Recipe:
    return recipe(f"/api/packages/{{{which}}}/{what}", body)


RECIPES: Recipes = {
    ("GET", "/api/packages/{package_id}"): recipe("/api/packages/{package_id}"),
    ("GET", "/api/packages/{package_id}/cancellation"): recipe("/api/packages/{package_id}/cancellation"),
    ("POST", "/api/packages/{package_id}/reschedule"): _recipe(
        "reschedule", "package_id", {"starts_at": monday(15).isoformat()}
    ),
    ("POST", "/api/packages/{package_id}/cancel"): _recipe("cancel", "package_id", {}),
    ("POST", "/api/packages/{package_id}/confirm"): _recipe("confirm", "asked_package_id", {}),
    ("POST", "/api/packages/{package_id}/decline"): _recipe("decline", "asked_package_id", {}),
}
