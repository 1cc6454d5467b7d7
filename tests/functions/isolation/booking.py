"""Appointments, and their calendars."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.appointments.group import Group, Participant
from chalicelib.core.clock import now
from chalicelib.core.ids import new_id
from chalicelib.core.unit import Unit
from infra.local.invoking import call
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, monday, recipe

PARTICIPANT = Participant(
    id="prt_00D1ZMFH9MM3HK4Z12GC", customer_id="cus_00D1ZMFH9MM3HK4Z12GC", source="api", joined_at=now()
)


def new_appointment(world: World, hour: int = 13) -> dict[str, Any]:
    """What books a haircut."""
    return {
        "branch_id": world.practice.branches[1].id,
        "service": "Haircut",
        "starts_at": monday(hour).isoformat(),
        "customer": {"phone": "+12125550123"},
    }


def prepare(world: World) -> None:
    """An appointment, one that is over, and one that awaits approval."""
    made = call("POST", "/api/appointments", caller=world.owner, body=new_appointment(world, 10)).json
    world.ids.update({"appointment_id": made["id"], "customer_id": made["customer_id"]})
    world.ids["past_id"] = _copy(made["id"], starts_at=now() - timedelta(hours=3), ends_at=now() - timedelta(hours=2))
    world.ids["asked_id"] = _copy(made["id"], status="requested")
    group = _copy(made["id"], group=Group(seats=3, participants=(PARTICIPANT,)))
    world.ids.update({"group_id": group, "participant_id": PARTICIPANT.id})
    blocked = call("PUT", "/api/blocklist", caller=world.owner, body={"email": "never@example.com"}).json
    world.ids["block_id"] = blocked["id"]


def _copy(appointment_id: str, **fields: Any) -> str:
    like = appointment_store.get_appointment(OWNER, appointment_id)
    unit = Unit(OWNER)
    made = replace(like, id=new_id("apt"), **fields)
    appointment_store.add_appointment(unit, made)
    unit.commit()
    return made.id


def _moved(world: World) -> dict[str, Any]:
    return {"starts_at": monday(15).isoformat()}


CHANGES: tuple[tuple[str, str, str, Any], ...] = (
    ("POST", "reassign", "appointment_id", {"staff": "Chloe Park"}),
    ("POST", "attendees", "appointment_id", {"guests": ["tom@example.com"]}),
    ("POST", "cancel", "appointment_id", {}),
    ("POST", "no-show", "past_id", {}),
    ("POST", "complete", "past_id", {}),
    ("POST", "confirm", "asked_id", {}),
    ("POST", "decline", "asked_id", {}),
    ("GET", "history", "appointment_id", None),
    ("GET", "cancellation", "appointment_id", None),
)
"""What can be done with an appointment, and with which of the owner's it is tried."""
RECIPES: Recipes = {
    ("GET", "/api/appointments/{appointment_id}/participants"): recipe("/api/appointments/{group_id}/participants"),
    ("POST", "/api/appointments/{appointment_id}/participants"): recipe(
        "/api/appointments/{group_id}/participants", {"customer": {"phone": "+12125550177"}}
    ),
    ("DELETE", "/api/appointments/{appointment_id}/participants/{participant_id}"): recipe(
        "/api/appointments/{group_id}/participants/{participant_id}"
    ),
    ("GET", "/api/blocklist"): recipe("/api/blocklist", stranger="only their own"),
    ("PUT", "/api/blocklist"): Recipe("/api/blocklist", lambda world: {"customer_id": world.ids["customer_id"]}),
    ("DELETE", "/api/blocklist/{block_id}"): recipe("/api/blocklist/{block_id}"),
    ("GET", "/api/appointments/{appointment_id}/calendar"): recipe("/api/appointments/{appointment_id}/calendar"),
    **{
        (method, f"/api/{whose}/{{{name}}}/calendar-feed"): recipe(f"/api/{whose}/{{{given}}}/calendar-feed")
        for method in ("POST", "DELETE")
        for whose, name, given in (("staff", "staff_id", "staff"), ("customers", "customer_id", "customer_id"))
    },
}
for _name in ("appointments", "events"):
    _one = f"/api/{_name}/{{appointment_id}}"
    RECIPES[("POST", f"/api/{_name}")] = Recipe(f"/api/{_name}", new_appointment)
    RECIPES[("GET", f"/api/{_name}")] = recipe(f"/api/{_name}", stranger="only their own")
    RECIPES[("GET", _one)] = recipe(_one)
    for _method, _what, _which, _body in CHANGES:
        RECIPES[(_method, f"{_one}/{_what}")] = recipe(f"/api/{_name}/{{{_which}}}/{_what}", _body)
    RECIPES[("POST", f"{_one}/reschedule")] = Recipe(f"{_one}/reschedule", _moved)
