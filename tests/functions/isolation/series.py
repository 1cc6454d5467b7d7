"""Series of appointments."""

from typing import Any

from infra.local.invoking import call
from tests.functions.isolation.world import Recipe, Recipes, World, monday, recipe


def new_series(world: World, hour: int = 13) -> dict[str, Any]:
    """What books three haircuts."""
    return {
        "branch_id": world.practice.branches[1].id,
        "service": "Haircut",
        "starts_at": monday(hour).isoformat(),
        "recurrence": {"frequency": "weekly", "count": 3},
        "customer": {"phone": "+12125550123"},
    }


def prepare(world: World) -> None:
    """A series of the owner's."""
    made = call("POST", "/api/series", caller=world.owner, body=new_series(world, 10)).json
    world.ids.update({"series_id": made["id"], "occurrence_id": made["occurrences"][0]["appointment_id"]})


def _known(world: World, **fields: Any) -> dict[str, Any]:
    return {"appointment_id": world.ids["occurrence_id"], "scope": "all"} | fields


RECIPES: Recipes = {
    ("POST", "/api/series/check"): Recipe("/api/series/check", new_series),
    ("POST", "/api/series"): Recipe("/api/series", new_series),
    ("GET", "/api/series"): recipe("/api/series", stranger="only their own"),
    ("GET", "/api/series/{series_id}"): recipe("/api/series/{series_id}"),
    ("POST", "/api/series/{series_id}/reschedule"): Recipe(
        "/api/series/{series_id}/reschedule", lambda world: _known(world, starts_at=monday(15).isoformat())
    ),
    ("POST", "/api/series/{series_id}/cancel"): Recipe("/api/series/{series_id}/cancel", _known),
}
