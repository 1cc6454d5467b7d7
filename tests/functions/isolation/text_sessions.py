"""Text sessions, plans, subscriptions, and whom a user stands for."""

from datetime import timedelta
from typing import Any

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.identity import store as identity
from infra.local.demo_people import add_person
from infra.local.invoking import call
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, recipe
from tests.text_sessions.room import text_appointment

PLAN = {"name": "Ten a month", "terms": {"sessions": 10, "period": "month", "zone": "Europe/Berlin"}}


def prepare(world: World) -> None:
    """A text session that runs, whose doctor the owner is; and whose patient, which only a client could be made."""
    user_id = call("GET", "/auth/me", caller=world.owner).json["id"]
    unit = Unit(OWNER)
    patient = add_person(unit, Contact(phone="+12125550142"), "api", now())
    other = add_person(unit, Contact(phone="+12125550143"), "api", now())
    identity.save_user(unit, identity.get_user(OWNER, user_id).linked(patient.id, "stf_owner", now()))
    unit.commit()
    plan = call("POST", "/api/plans", caller=world.owner, body=PLAN).json["id"]
    sold = call("POST", "/api/subscriptions", caller=world.owner, body={"patient_id": patient.id, "plan_id": plan})
    appointment = text_appointment(patient.id, "stf_owner", now() - timedelta(minutes=1), company_id=OWNER)
    world.ids.update(
        {
            "user_id": user_id,
            "customer_id": patient.id,
            "other_customer_id": other.id,
            "plan_id": plan,
            "subscription_id": sold.json["id"],
            "text_appointment_id": appointment.id,
        }
    )
    body = {"appointment_id": appointment.id}
    assert call("POST", "/api/text-appointments/start-session", caller=world.owner, body=body).status == 200


def _text(action: str, **fields: Any) -> Recipe:
    return Recipe(
        f"/api/text-appointments/{action}",
        lambda world: {"appointment_id": world.ids["text_appointment_id"], **fields},
    )


def _sale(world: World) -> dict[str, str]:
    return {"patient_id": world.ids["other_customer_id"], "plan_id": world.ids["plan_id"]}


PLANS, SOLD = "/api/plans/{plan_id}", "/api/subscriptions/{subscription_id}"
RECIPES: Recipes = {
    ("POST", "/api/text-appointments/start-session"): _text("start-session"),
    ("POST", "/api/text-appointments/update-activity"): _text("update-activity", user_type="doctor"),
    ("POST", "/api/text-appointments/process-deduction"): _text(
        "process-deduction", sessions_to_deduct=1, reason="interval"
    ),
    ("POST", "/api/text-appointments/end-session"): _text("end-session"),
    ("GET", "/api/text-appointments/{appointment_id}/session-status"): recipe(
        "/api/text-appointments/{text_appointment_id}/session-status"
    ),
    ("GET", "/api/plans"): recipe("/api/plans", stranger="only their own"),
    ("POST", "/api/plans"): recipe("/api/plans", PLAN, "only their own"),
    ("GET", PLANS): recipe(PLANS),
    ("PUT", PLANS): recipe(PLANS, PLAN),
    ("DELETE", PLANS): recipe(PLANS),
    ("GET", "/api/subscriptions"): recipe("/api/subscriptions", stranger="only their own"),
    ("POST", "/api/subscriptions"): Recipe("/api/subscriptions", _sale),
    ("GET", SOLD): recipe(SOLD),
    ("GET", f"{SOLD}/ledger"): recipe(f"{SOLD}/ledger"),
    ("POST", f"{SOLD}/grants"): recipe(f"{SOLD}/grants", {"sessions": 1, "reason": "Bought"}),
    ("POST", f"{SOLD}/adjustments"): recipe(f"{SOLD}/adjustments", {"amount": 1, "reason": "Miscounted"}),
    ("PUT", f"{SOLD}/renewal"): recipe(f"{SOLD}/renewal", {"renews": False}),
    ("GET", "/portal/subscription"): recipe("/portal/subscription"),
    ("PUT", "/api/users/{user_id}/person"): recipe("/api/users/{user_id}/person", {}),
}
