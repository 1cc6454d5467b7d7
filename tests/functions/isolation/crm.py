"""Customers and leads."""

from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from infra.local.demo_people import add_person
from tests.functions.isolation.world import OWNER, Recipes, World, recipe

NAME = {"name": "Ben Keller"}


def prepare(world: World) -> None:
    """A customer."""
    unit = Unit(OWNER)
    world.ids["person_id"] = add_person(unit, Contact(name="Ada Keller", phone="+493055512345"), "api", now()).id
    unit.commit()


def _of(place: str) -> Recipes:
    one, route = f"{place}/{{person_id}}", f"{place}/{{customer_id}}"
    return {
        ("GET", place): recipe(place, stranger="only their own"),
        ("POST", place): recipe(place, NAME, stranger="only their own"),
        ("GET", route): recipe(one),
        ("PATCH", route): recipe(one, NAME),
        ("PUT", route): recipe(one, NAME | {"version": 1}),
        ("DELETE", route): recipe(one),
        ("POST", f"{route}/restore"): recipe(f"{one}/restore"),
    }


RECIPES: Recipes = _of("/api/customers") | _of("/api/leads")
