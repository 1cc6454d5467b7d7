"""The plans that subscriptions are sold on."""

from typing import Annotated

import msgspec

from chalicelib.core.function import Function
from chalicelib.core.money import Currency, Minor
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.text_sessions import plans, store
from chalicelib.text_sessions.plan import Period, Terms
from chalicelib.text_sessions.plans import PlanDetails
from functions.text_sessions.answers import PlanAnswer, show_plan

function = Function(__name__)
WRITES = Needs(writes=("text_sessions",))
EXAMPLE = {
    "name": "Ten a month",
    "terms": {"sessions": 10, "period": "month", "zone": "Europe/Berlin"},
    "price": 4900,
    "currency": "EUR",
}


class TermsBody(Body):
    """`sessions` a period; days begin at midnight in `zone`. `carries_over`: what is left at its end is not lost.

    `no_show_charged`: a session nobody came to is charged.
    """

    sessions: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    period: Period
    zone: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    carries_over: bool = False
    no_show_charged: bool = False

    def terms(self) -> Terms:
        """The same as a model."""
        return Terms(**msgspec.structs.asdict(self))


class PlanBody(Body):
    """`price` per period in minor units of `currency` (ISO 4217); neither: not sold for money here."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    terms: TermsBody
    price: Minor | None = None
    currency: Currency | None = None

    def details(self) -> PlanDetails:
        """The same as a model."""
        return PlanDetails(self.name, self.terms.terms(), self.price, self.currency)


@function.route("GET", "/api/plans", ability="subscriptions:read", needs=Needs(reads=("text_sessions",)))
def list_plans(request: Request, query: PageQuery) -> Page[PlanAnswer]:
    """Plans on sale, the oldest first."""
    return store.page_plans(request.company_id, query.limit, query.cursor).map(show_plan)


@function.route("POST", "/api/plans", ability="subscriptions:write", needs=WRITES, status=201, example=EXAMPLE)
def create_plan(request: Request, body: PlanBody) -> PlanAnswer:
    """Offer a plan."""
    return show_plan(plans.create(request.unit(show_plan), body.details(), request.clock))


@function.route(
    "GET",
    "/api/plans/{plan_id}",
    ability="subscriptions:read",
    needs=Needs(reads=("text_sessions",)),
    errors=("plan_not_found 404",),
)
def show_one_plan(request: Request, plan_id: str) -> PlanAnswer:
    """One plan."""
    return show_plan(store.get_plan(request.company_id, plan_id))


@function.route(
    "PUT",
    "/api/plans/{plan_id}",
    ability="subscriptions:write",
    needs=WRITES,
    errors=("plan_not_found 404", "stale 409"),
    example=EXAMPLE,
)
def change_plan(request: Request, plan_id: str, body: PlanBody) -> PlanAnswer:
    """Change a plan; what was sold keeps the terms it was sold on."""
    return show_plan(plans.change(request.unit(show_plan), plan_id, body.details(), request.clock))


@function.route(
    "DELETE",
    "/api/plans/{plan_id}",
    ability="subscriptions:write",
    needs=WRITES,
    status=204,
    errors=("plan_not_found 404", "stale 409"),
)
def delete_plan(request: Request, plan_id: str) -> None:
    """Sell a plan no more; subscriptions on it go on."""
    plans.delete(request.unit(), plan_id, request.clock)
