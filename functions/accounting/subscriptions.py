"""Subscriptions to what happens at Fatture in Cloud."""

from chalicelib.accounting import account_store, subscription_store
from chalicelib.accounting.event import Group
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from functions.accounting.answers import ShortText, SubscriptionAnswer, show_subscription

function = Function(__name__)
NEEDS = Needs(
    reads=("directory",),
    writes=("syncing", "accounting"),
    vault=True,
    secrets=("fic_client_id", "fic_client_secret"),
)


class NewSubscription(Body):
    """What to be told. No `event_types`: all that are kept here. No `sink`: this very system."""

    account_id: ShortText
    event_group: Group
    event_types: list[str] = []
    sink: str | None = None


class SubscriptionsAnswer(Answer):
    """Of every account of the company."""

    data: list[SubscriptionAnswer]


@function.route(
    "POST",
    "/api/fic/subscriptions",
    ability="accounting:write",
    status=201,
    idempotent=False,
    needs=NEEDS,
    errors=("fic_account_not_found 404", "fic_not_connected 409"),
    example={"account_id": "fic_00D1ZMFH9MM3HK4Z12GC", "event_group": "entity"},
)
def subscribe_to_fic(request: Request, body: NewSubscription) -> SubscriptionAnswer:
    """Have Fatture in Cloud tell of a group of events. The same again brings it in line; there is one of each group."""
    from chalicelib.accounting.subscription_sync import SubscriptionRequest, subscribe

    account = account_store.get_account(request.company_id, body.account_id)
    what = SubscriptionRequest(body.event_group, body.event_types, body.sink)
    return show_subscription(subscribe(request.unit, account, what, now))


@function.route(
    "GET", "/api/fic/subscriptions", ability="accounting:read", needs=Needs(reads=("accounting", "syncing"))
)
def list_fic_subscriptions(request: Request) -> SubscriptionsAnswer:
    """All of them, as they were last found."""
    accounts = [account.id for account in account_store.accounts(request.company_id)]
    found = subscription_store.subscriptions(request.company_id, accounts)
    return SubscriptionsAnswer(data=[show_subscription(one) for one in found])


@function.route(
    "DELETE",
    "/api/fic/subscriptions/{subscription_id}",
    ability="accounting:write",
    status=204,
    needs=NEEDS,
    errors=("fic_subscription_not_found 404",),
)
def unsubscribe_from_fic(request: Request, subscription_id: str) -> None:
    """End it, at Fatture in Cloud and here."""
    from chalicelib.accounting.subscription_sync import unsubscribe

    unsubscribe(request.unit, request.company_id, subscription_id, now)
