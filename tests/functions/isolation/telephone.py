"""Phone calls through Twilio: made, missed, and numbers that are not called."""

from infra.local.invoking import call
from tests.calls.telephone import miss, open_branch
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, recipe


def prepare(world: World) -> None:
    """A missed call, and a number that is not called."""
    open_branch(company_id=OWNER)
    world.ids["phone_call_id"] = miss(company_id=OWNER).id
    assert call("PUT", "/api/do-not-call/+12125550177", caller=world.owner, body={}).status == 200


def _staff_call(world: World) -> dict[str, str]:
    return {"kind": "staff", "branch_id": world.ids["branch"], "to": "+4915112345678"}


RECIPES: Recipes = {
    ("POST", "/api/calls"): Recipe("/api/calls", _staff_call),
    ("GET", "/api/phone-calls/{phone_call_id}"): recipe("/api/phone-calls/{phone_call_id}"),
    ("GET", "/api/missed-calls"): recipe("/api/missed-calls", stranger="only their own"),
    ("GET", "/api/do-not-call"): recipe("/api/do-not-call", stranger="only their own"),
    ("PUT", "/api/do-not-call/{number}"): recipe("/api/do-not-call/+12125550188", {}, "only their own"),
    ("DELETE", "/api/do-not-call/{number}"): recipe("/api/do-not-call/+12125550177"),
}
