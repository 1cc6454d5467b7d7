"""Accounts of Fatture in Cloud, their records, subscriptions and bills."""

from typing import Any

from chalicelib.accounting import subscription_store
from chalicelib.accounting.account import Account
from chalicelib.accounting.accounts import HandMadeToken, connect_with_token
from chalicelib.accounting.record import RESOURCES, read
from chalicelib.accounting.subscription import TYPES, Subscription
from chalicelib.accounting.upsert import VendorSnapshot, write
from chalicelib.booking.appointments import store as appointment_store
from chalicelib.core.clock import now
from chalicelib.core.unit import Unit
from infra.local.simulators.fattureincloud.simulator import COMPANY
from tests.functions.isolation import booking
from tests.functions.isolation.world import OWNER, Recipe, Recipes, World, recipe

FIC_TOKEN = "a/manual-test-token"


def prepare(world: World) -> None:
    """A connected account with a record of each resource and a subscription; an appointment that is completed."""
    booking.prepare(world)
    appointment = appointment_store.get_appointment(OWNER, world.ids["appointment_id"])
    unit = Unit(OWNER)
    appointment_store.save_appointment(unit, appointment.changed(now(), status="completed"))
    unit.commit()
    account = connect_with_token(lambda: Unit(OWNER), HandMadeToken(token=FIC_TOKEN, user_id="usr_owner"), now)
    world.ids.update({"account_id": account.id, "subscription_id": f"{account.id}.entity"})
    _books(world, account)


def _books(world: World, account: Account) -> None:
    book = world.fic.books[COMPANY]
    for resource in RESOURCES:
        found = read(account.company_id, account.id, resource, book.get(resource, book.ids(resource)[0]), now())
        assert found
        snapshot = VendorSnapshot(account.company_id, account.id, resource, [found])
        write(snapshot, lambda: Unit(account.company_id), lambda unit, counts: None)
        world.ids[resource] = found.record.key
    unit = Unit(account.company_id)
    subscription_store.save_subscription(
        unit,
        Subscription(
            company_id=account.company_id,
            account_id=account.id,
            group="entity",
            types=TYPES["entity"],
            sink="https://example.com",
            created_at=now(),
        ),
    )
    unit.commit()


def _bill(world: World) -> dict[str, Any]:
    return {"appointment_id": world.ids["appointment_id"], "items": [{"name": "Haircut", "net": 3000}]}


def _subscription(world: World) -> dict[str, Any]:
    return {"account_id": world.ids["account_id"], "event_group": "entity"}


ACCOUNT = "/api/fic/accounts/{account_id}"
RECIPES: Recipes = {
    ("GET", "/api/fic/accounts"): recipe("/api/fic/accounts", stranger="only their own"),
    ("GET", "/api/fic/accounts/connect"): recipe("/api/fic/accounts/connect", stranger="only their own"),
    ("POST", "/api/fic/accounts"): recipe("/api/fic/accounts", {"token": FIC_TOKEN, "company": COMPANY}, "taken"),
    ("DELETE", ACCOUNT): recipe(ACCOUNT),
    ("POST", "/api/fic/sync"): recipe("/api/fic/sync", {"resource": "quotes"}, "only their own"),
    ("GET", f"{ACCOUNT}/sync"): recipe(f"{ACCOUNT}/sync"),
    ("GET", f"{ACCOUNT}/totals"): recipe(f"{ACCOUNT}/totals"),
    ("POST", f"{ACCOUNT}/invoices"): Recipe(f"{ACCOUNT}/invoices", _bill),
    ("POST", f"{ACCOUNT}/quotes"): Recipe(f"{ACCOUNT}/quotes", _bill),
    ("GET", "/api/fic/events"): recipe("/api/fic/events", stranger="only their own"),
    ("GET", "/api/fic/subscriptions"): recipe("/api/fic/subscriptions", stranger="only their own"),
    ("POST", "/api/fic/subscriptions"): Recipe("/api/fic/subscriptions", _subscription, echoes=True),
    ("DELETE", "/api/fic/subscriptions/{subscription_id}"): recipe("/api/fic/subscriptions/{subscription_id}"),
    ("GET", "/api/fic/clients/{client_id}/suggestions"): recipe("/api/fic/clients/{clients}/suggestions"),
    ("PUT", "/api/fic/clients/{client_id}/customer"): recipe(
        "/api/fic/clients/{clients}/customer", {"customer_id": None}
    ),
    ("GET", "/api/customers/{customer_id}/invoices"): recipe("/api/customers/{customer_id}/invoices"),
    ("PUT", "/api/customers/{customer_id}/billing"): recipe(
        "/api/customers/{customer_id}/billing", {"vat_number": "IT12345640962"}
    ),
}
for _resource in RESOURCES:
    _place, _one = f"/api/fic/{_resource}", f"/api/fic/{_resource}/{{{_resource[:-1]}_id}}"
    RECIPES[("GET", _place)] = recipe(_place, stranger="only their own")
    RECIPES[("GET", _one)] = recipe(f"{_place}/{{{_resource}}}")
    if _resource in ("invoices", "quotes"):
        RECIPES[("GET", f"{_one}/pdf")] = recipe(f"{_place}/{{{_resource}}}/pdf")
