"""Files, their shares, requests and pairs."""

from datetime import timedelta
from typing import Any

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_people import add_person
from infra.local.invoking import call
from tests.draining import drain
from tests.files import samples
from tests.files.uploading import put
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, recipe

NEW = {"name": "a.png", "content_type": "image/png", "size": 3}


def prepare(world: World) -> None:
    """The owner's customer with two images that make a pair, one of them shared, and a request for more."""
    unit = Unit(OWNER)
    world.ids["file_customer"] = add_person(unit, Contact(name="Private"), "test", now()).id
    unit.commit()
    for name in ("file", "other_file", "gone_file"):
        world.ids[name] = _upload(world)
    done("DELETE", "/api/files/{gone_file}", world)
    until = (now() + timedelta(days=1)).isoformat()
    world.ids["share"] = done("POST", "/api/files/{file}/shares", world, {"expires_at": until})["id"]
    world.ids["asked"] = done("POST", "/api/file-requests", world, _request(world))["id"]
    world.ids["pair"] = done("POST", "/api/file-pairs", world, _pair(world))["id"]


def _upload(world: World) -> str:
    content = samples.png()
    body = NEW | {"size": len(content), "customer_id": world.ids["file_customer"], "name": "Private.png"}
    given = done("POST", "/api/files", world, body)
    assert put(given, content) == 200
    done("POST", f"/api/files/{given['id']}/complete", world)
    drain()
    return str(given["id"])


def done(method: str, path: str, world: World, body: Any = None) -> Any:
    answer = call(method, path.format(**world.ids), caller=world.owner, body=body)
    assert answer.status < 300, answer
    return answer.json if answer.text else None


def _request(world: World) -> dict[str, Any]:
    until = (now() + timedelta(days=1)).isoformat()
    return {"customer_id": world.ids["file_customer"], "title": "Private", "expires_at": until}


def _pair(world: World) -> dict[str, str]:
    return {"before_id": world.ids["file"], "after_id": world.ids["other_file"]}


ONE, SHARES = "/api/files/{file_id}", "/api/files/{file_id}/shares"
SHARE = {"expires_at": (now() + timedelta(days=1)).isoformat()}
RECIPES: Recipes = {
    ("GET", "/api/files"): recipe("/api/files", stranger="only their own"),
    ("POST", "/api/files"): Recipe(
        "/api/files", lambda world: NEW | {"customer_id": world.ids["file_customer"]}, "no such reference"
    ),
    ("GET", ONE): recipe("/api/files/{file}"),
    ("PATCH", ONE): recipe("/api/files/{file}", {"name": "mine.png"}),
    ("DELETE", ONE): recipe("/api/files/{file}"),
    ("POST", f"{ONE}/restore"): recipe("/api/files/{gone_file}/restore"),
    ("POST", f"{ONE}/versions"): recipe("/api/files/{file}/versions", NEW),
    ("POST", f"{ONE}/complete"): recipe("/api/files/{file}/complete"),
    ("GET", f"{ONE}/download"): recipe("/api/files/{file}/download"),
    ("GET", "/api/file-storage"): recipe("/api/file-storage", stranger="only their own"),
    ("GET", SHARES): recipe("/api/files/{file}/shares"),
    ("POST", SHARES): recipe("/api/files/{file}/shares", SHARE),
    ("DELETE", f"{SHARES}/{{share_id}}"): recipe("/api/files/{file}/shares/{share}"),
    ("GET", "/api/file-requests"): recipe("/api/file-requests", stranger="only their own"),
    ("POST", "/api/file-requests"): Recipe("/api/file-requests", _request, "no such reference"),
    ("GET", "/api/file-requests/{request_id}"): recipe("/api/file-requests/{asked}"),
    ("DELETE", "/api/file-requests/{request_id}"): recipe("/api/file-requests/{asked}"),
    ("GET", "/api/file-pairs"): Recipe(
        "/api/file-pairs", query={"customer_id": "{file_customer}"}, stranger="only their own"
    ),
    ("POST", "/api/file-pairs"): Recipe("/api/file-pairs", _pair),
    ("DELETE", "/api/file-pairs/{pair_id}"): recipe("/api/file-pairs/{pair}"),
}
