"""Branches, services, staff, resources and time off."""

from typing import Any

from infra.local.invoking import call
from tests.functions.isolation.world import Recipe, Recipes, Stranger, World, monday, recipe


def prepare(world: World) -> None:
    """A room, time off, and one of each kind that was deleted."""
    room = call("POST", "/api/resources", caller=world.owner, body=_resource(world)).json["id"]
    place = f"/api/staff/{world.ids['staff']}/time-off"
    away = call("POST", place, caller=world.owner, body=_away(world)).json["id"]
    world.ids.update({"resource": room, "time_off_id": away})
    for path, (_, body, _) in KINDS.items():
        gone = call("POST", f"/api/{path}", caller=world.owner, body=body(world)).json["id"]
        assert call("DELETE", f"/api/{path}/{gone}", caller=world.owner).status == 204
        world.ids[f"deleted_{path}"] = gone


def _branch(world: World) -> dict[str, Any]:
    return {"name": "New", "zone": "Europe/Rome", "hours": []}


def _service(world: World) -> dict[str, Any]:
    return {"name": "New", "duration_min": 30}


def _staff(world: World) -> dict[str, Any]:
    return {"name": "New", "home_branch_id": world.ids["branch"], "hours": {}}


def _resource(world: World) -> dict[str, Any]:
    return {"branch_id": world.ids["branch"], "kind": "room", "name": "New"}


def _away(world: World) -> dict[str, Any]:
    return {"starts_at": monday(9).isoformat(), "ends_at": monday(10).isoformat()}


KINDS: dict[str, tuple[str, Any, Stranger]] = {
    "branches": ("branch", _branch, "only their own"),
    "services": ("service", _service, "only their own"),
    "staff": ("staff", _staff, "no such reference"),
    "resources": ("resource", _resource, "nothing there"),
}


def _busy(world: World) -> dict[str, Any]:
    return {"from": monday(9).isoformat(), "to": monday(10).isoformat(), "busy": [_away(world)]}


AWAY = "/api/staff/{staff}/time-off"
BUSY = "/api/staff/{staff}/busy/google"
RECIPES: Recipes = {
    ("GET", "/api/staff/{staff_id}/time-off"): recipe(AWAY),
    ("POST", "/api/staff/{staff_id}/time-off"): Recipe(AWAY, _away),
    ("DELETE", "/api/staff/{staff_id}/time-off/{time_off_id}"): recipe(f"{AWAY}/{{time_off_id}}"),
    ("PUT", "/api/staff/{staff_id}/busy/{source}"): Recipe(BUSY, _busy),
    ("GET", "/api/staff/{staff_id}/busy/{source}"): recipe(BUSY),
    ("DELETE", "/api/staff/{staff_id}/busy/{source}"): recipe(BUSY),
}
for _path, (_name, _body, _stranger) in KINDS.items():
    _one, _read = f"/api/{_path}/{{{_name}_id}}", f"/api/{_path}/{{{_name}}}"
    RECIPES |= {
        ("GET", f"/api/{_path}"): recipe(f"/api/{_path}", stranger="only their own"),
        ("POST", f"/api/{_path}"): Recipe(f"/api/{_path}", _body, _stranger),
        ("GET", _one): recipe(_read),
        ("PUT", _one): Recipe(_read, lambda world, body=_body: body(world) | {"version": 1}),  # type: ignore[misc]
        ("DELETE", _one): recipe(_read),
        ("POST", f"{_one}/restore"): recipe(f"/api/{_path}/{{deleted_{_path}}}/restore"),
    }
