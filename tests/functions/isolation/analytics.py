"""Figures: of a branch of the owner's."""

from tests.functions.isolation import booking
from tests.functions.isolation.world import Recipes, World, recipe

FIGURES = (
    *("conversion", "lead-time", "cancellations", "utilisation", "popular-times", "services", "sources", "recent"),
)


def prepare(world: World) -> None:
    """An appointment that could be counted."""
    booking.prepare(world)


RECIPES: Recipes = {
    ("GET", f"/api/analytics/{name}"): recipe(f"/api/analytics/{name}", stranger="only their own") for name in FIGURES
}
