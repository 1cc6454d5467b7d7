"""Login, tokens, users."""

from chalicelib.core.clock import now
from chalicelib.identity.password_login import sign_in
from tests.functions.isolation.world import PASSWORD, Recipes, World, recipe


def prepare(world: World) -> None:
    """Another token of the owner's."""
    world.ids["token_id"] = sign_in("owner@example.com", PASSWORD, "203.0.113.7", now).issued.token.id


RECIPES: Recipes = {
    ("GET", "/api/users"): recipe("/api/users", stranger="only their own"),
    ("GET", "/auth/me"): recipe("/auth/me", stranger="only their own"),
    ("GET", "/auth/tokens"): recipe("/auth/tokens", stranger="only their own"),
    ("POST", "/auth/tokens"): recipe(
        "/auth/tokens", {"name": "Reports", "abilities": ["appointments:read"]}, "only their own"
    ),
    ("DELETE", "/auth/tokens/{token_id}"): recipe("/auth/tokens/{token_id}"),
    ("POST", "/auth/logout"): recipe("/auth/logout", stranger="only their own"),
    ("POST", "/auth/invite"): recipe(
        "/auth/invite", {"email": "new@example.com", "name": "New One", "role": "staff"}, "only their own"
    ),
}
