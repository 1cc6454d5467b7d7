"""Calls, and messages that callers left."""

from chalicelib.calls import record_call
from chalicelib.calls.message import CallMessage
from chalicelib.calls.message_store import add_message
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.vendors.retell.webhook import RetellCall
from tests.functions.isolation import booking
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, recipe


def prepare(world: World) -> None:
    """A call to the owner's number, and a message left in it."""
    booking.prepare(world)
    rung = RetellCall(call_id="retell-1", to_number=world.practice.branches[1].phone)
    call_id = record_call.record(rung, Unit)
    message = CallMessage(
        id="msg_1", company_id=OWNER, branch_id=world.practice.branches[1].id, call_id=call_id, customer_id=None,
        name="Eve", phone=None, text="Call me.", created_at=now(), updated_at=now(),
    )  # fmt: skip
    unit = Unit(OWNER)
    add_message(unit, message)
    unit.commit()
    world.ids.update({"call_id": call_id, "message_id": message.id})


def _link(world: World) -> dict[str, str]:
    return {"customer_id": world.ids["customer_id"]}


RECIPES: Recipes = {
    ("GET", "/api/calls"): recipe("/api/calls", stranger="only their own"),
    ("GET", "/api/call-messages"): recipe("/api/call-messages", stranger="only their own"),
    ("PATCH", "/api/call-messages/{message_id}"): recipe("/api/call-messages/{message_id}", {"status": "done"}),
    ("PATCH", "/api/calls/{call_id}"): recipe("/api/calls/{call_id}", {"notes_version": 0, "notes": "Call back."}),
    ("PUT", "/api/calls/{call_id}/link"): Recipe("/api/calls/{call_id}/link", _link),
    ("DELETE", "/api/calls/{call_id}/link"): recipe("/api/calls/{call_id}/link"),
    ("GET", "/api/settings/calls"): recipe("/api/settings/calls", stranger="only their own"),
    ("PUT", "/api/settings/calls"): recipe(
        "/api/settings/calls", {"keep_recordings_days": 30, "version": 0}, "only their own"
    ),
    ("GET", "/api/calls/{call_id}"): recipe("/api/calls/{call_id}"),
    ("GET", "/api/calls/{call_id}/chain"): recipe("/api/calls/{call_id}/chain"),
}
