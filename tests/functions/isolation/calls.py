"""Calls, and messages that callers left."""

from chalicelib.calls import recording
from chalicelib.calls.message import CallMessage
from chalicelib.calls.message_store import add_message
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell import RetellCall
from tests.functions.isolation.world import OWNER, Recipes, World, recipe


def prepare(world: World) -> None:
    """A call to the owner's number, and a message left in it."""
    rung = RetellCall(call_id="retell-1", to_number=world.practice.branches[1].phone)
    call_id = recording.record(rung, Unit, now())
    message = CallMessage(
        id="msg_1", company_id=OWNER, branch_id=world.practice.branches[1].id, call_id=call_id, customer_id=None,
        name="Eve", phone=None, text="Call me.", created_at=now(), updated_at=now(),
    )  # fmt: skip
    unit = Unit(OWNER)
    add_message(unit, message)
    unit.commit()
    world.ids.update({"call_id": call_id, "message_id": message.id})


RECIPES: Recipes = {
    ("GET", "/api/calls"): recipe("/api/calls", stranger="only his own"),
    ("GET", "/api/call-messages"): recipe("/api/call-messages", stranger="only his own"),
    ("PATCH", "/api/call-messages/{message_id}"): recipe("/api/call-messages/{message_id}", {"status": "done"}),
    ("GET", "/api/calls/{call_id}"): recipe("/api/calls/{call_id}"),
    ("GET", "/api/calls/{call_id}/chain"): recipe("/api/calls/{call_id}/chain"),
}
