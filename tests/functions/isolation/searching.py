"""Free times and reviews."""

from datetime import timedelta

from chalicelib.booking.appointments import store as appointment_store
from chalicelib.booking.reviews import submit as review_submit
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.invoking import call
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, monday, recipe

REVIEW = "/api/reviews/{review}"


def prepare(world: World) -> None:
    """A review of a visit that is over."""
    body = {
        "branch_id": world.practice.branches[1].id, "service": "Haircut", "starts_at": monday(11).isoformat(),
        "customer": {"phone": "+12125550188"},
    }  # fmt: skip
    visit = appointment_store.get_appointment(
        OWNER, call("POST", "/api/appointments", caller=world.owner, body=body).json["id"]
    )
    begun = visit.changed(now(), starts_at=now() - timedelta(hours=1), status="completed")
    unit = Unit(OWNER)
    appointment_store.save_appointment(unit, begun)
    unit.commit()
    link = review_submit.invite(lambda: Unit(OWNER), OWNER, visit.id, now)
    left = review_submit.leave(Unit, link.url.rpartition("/")[2], 5, "Good", now)
    world.ids.update({"visit": visit.id, "review": left.id})


RECIPES: Recipes = {
    ("GET", "/api/availability"): Recipe(
        "/api/availability", query={"branch_id": "{branch}", "service": "Consultation"}
    ),
    ("POST", "/api/appointments/{appointment_id}/review-link"): recipe("/api/appointments/{visit}/review-link"),
    ("GET", "/api/reviews"): recipe("/api/reviews", stranger="only their own"),
    ("POST", "/api/reviews/{review_id}/hide"): recipe(f"{REVIEW}/hide"),
    ("POST", "/api/reviews/{review_id}/publish"): recipe(f"{REVIEW}/publish"),
}
