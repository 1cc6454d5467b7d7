"""Patients' subscriptions: what they have, what moved it, and correcting it by hand."""

from typing import Annotated

import msgspec

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body, Id
from chalicelib.core.requests import Request
from chalicelib.text_sessions import manage_subscription, store
from chalicelib.text_sessions.manage_subscription import Correction
from functions.text_sessions.answers import EntryAnswer, SubscriptionAnswer, show_entry, show_subscription

function = Function(__name__)
READS = Needs(reads=("text_sessions",))
WRITES = Needs(writes=("text_sessions",))
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
MISSING = "subscription_not_found 404"


class SubscribeBody(Body):
    """Which plan for which patient (a customer). `renews` false: it expires at the end of its first period."""

    patient_id: Id
    plan_id: Id
    renews: bool = True


class GrantBody(Body):
    """How many sessions more, and why."""

    sessions: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    reason: Note


class AdjustBody(Body):
    """How much the balance is wrong by, and why. Below zero it does not go."""

    amount: Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)]
    reason: Note


class RenewalBody(Body):
    """Whether another period follows the current one."""

    renews: bool


@function.route(
    "POST",
    "/api/subscriptions",
    ability="subscriptions:write",
    needs=Needs(reads=("crm",), writes=("text_sessions",)),
    status=201,
    errors=("customer_not_found 404", "plan_not_found 404", "subscription_exists 409"),
    example={"patient_id": "cus_00D1ZMFH9MM3HK4Z12GC", "plan_id": "pln_00D1ZMFH9MM3HK4Z12GC"},
)
def start_subscription(request: Request, body: SubscribeBody) -> SubscriptionAnswer:
    """Sell a plan to a patient, who has the first period's sessions at once; one active subscription a patient."""
    unit = request.unit(show_subscription)
    return show_subscription(
        manage_subscription.subscribe(unit, body.patient_id, body.plan_id, renews=body.renews, clock=request.clock)
    )


@function.route("GET", "/api/subscriptions", ability="subscriptions:read", needs=READS)
def list_subscriptions(request: Request, query: PageQuery) -> Page[SubscriptionAnswer]:
    """Subscriptions, the newest first; those expired too."""
    return store.page_subscriptions(request.company_id, query.limit, query.cursor).map(show_subscription)


@function.route(
    "GET", "/api/subscriptions/{subscription_id}", ability="subscriptions:read", needs=READS, errors=(MISSING,)
)
def show_one_subscription(request: Request, subscription_id: str) -> SubscriptionAnswer:
    """One subscription."""
    return show_subscription(store.get_account(request.company_id, subscription_id).subscription)


@function.route(
    "GET", "/api/subscriptions/{subscription_id}/ledger", ability="subscriptions:read", needs=READS, errors=(MISSING,)
)
def show_ledger(request: Request, subscription_id: str, query: PageQuery) -> Page[EntryAnswer]:
    """Every movement of its balance, the newest first; all amounts together are the balance."""
    store.get_account(request.company_id, subscription_id)
    return store.page_ledger(request.company_id, subscription_id, query.limit, query.cursor).map(show_entry)


@function.route(
    "POST",
    "/api/subscriptions/{subscription_id}/grants",
    ability="subscriptions:write",
    needs=WRITES,
    status=201,
    errors=(MISSING, "expired 409"),
    example={"sessions": 5, "reason": "Bought five more"},
)
def grant_sessions(request: Request, subscription_id: str, body: GrantBody) -> SubscriptionAnswer:
    """Grant sessions for the current period; send an Idempotency-Key, so that a repeat grants nothing."""
    new_unit, correction = lambda: request.unit(show_subscription), Correction(body.sessions, body.reason)
    return show_subscription(manage_subscription.grant(new_unit, subscription_id, correction, request.clock))


@function.route(
    "POST",
    "/api/subscriptions/{subscription_id}/adjustments",
    ability="subscriptions:write",
    needs=WRITES,
    status=201,
    errors=(MISSING, "expired 409", "below_zero 409"),
    example={"amount": -1, "reason": "Counted twice before the move"},
)
def adjust_balance(request: Request, subscription_id: str, body: AdjustBody) -> SubscriptionAnswer:
    """Correct the balance by hand; send an Idempotency-Key, so that a repeat corrects nothing."""
    new_unit, correction = lambda: request.unit(show_subscription), Correction(body.amount, body.reason)
    return show_subscription(manage_subscription.adjust(new_unit, subscription_id, correction, request.clock))


@function.route(
    "PUT",
    "/api/subscriptions/{subscription_id}/renewal",
    ability="subscriptions:write",
    needs=WRITES,
    errors=(MISSING, "expired 409"),
    example={"renews": False},
)
def set_renewal(request: Request, subscription_id: str, body: RenewalBody) -> SubscriptionAnswer:
    """Let another period follow the current one, or let the subscription expire with it."""
    return show_subscription(
        manage_subscription.set_renewal(
            lambda: request.unit(show_subscription), subscription_id, body.renews, request.clock
        )
    )
