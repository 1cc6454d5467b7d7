"""Calls."""

from chalicelib.calls import recording
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell import RetellCall
from tests.functions.isolation.world import Recipes, World, recipe


def prepare(world: World) -> None:
    """A call to the owner's number."""
    rung = RetellCall(call_id="retell-1", to_number=world.practice.branches[1].phone)
    world.ids["call_id"] = recording.record(rung, Unit, now())


RECIPES: Recipes = {
    ("GET", "/api/calls"): recipe("/api/calls", stranger="only his own"),
    ("GET", "/api/calls/{call_id}"): recipe("/api/calls/{call_id}"),
    ("GET", "/api/calls/{call_id}/chain"): recipe("/api/calls/{call_id}/chain"),
}
