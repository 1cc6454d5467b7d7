"""The system's own health: everybody's together, and nobody's."""

from tests.functions.isolation.world import Recipes, World, recipe


def prepare(world: World) -> None:
    """There is nothing to prepare."""


RECIPES: Recipes = {("GET", "/api/ops/health"): recipe("/api/ops/health", stranger="only their own")}
