"""Webhook endpoints: where a company's own systems are told of bookings, and what was delivered."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body
from chalicelib.core.requests import Request
from chalicelib.integrations import store
from chalicelib.integrations.webhook_endpoint import Delivery, DeliveryAttempt, Endpoint

function = Function(__name__)
Type = Literal[
    "appointment.booked", "appointment.moved", "appointment.cancelled", "appointment.changed", "participant.joined",
    "participant.left", "participant.moved", "waiting.added", "waiting.offered", "waiting.offer_ended",
    "waiting.booked", "waiting.withdrawn", "waiting.expired", "webhook.test",
]  # fmt: skip
Url = Annotated[str, msgspec.Meta(min_length=8, max_length=500)]
WRITES = Needs(writes=("integrations",))
SEALS = Needs(writes=("integrations",), vault=True)


class EndpointBody(Body):
    """`url`: https only. `types` empty: everything. `on` false: keep it, tell it nothing."""

    url: Url
    types: Annotated[tuple[Type, ...], msgspec.Meta(max_length=20)] = ()
    description: Annotated[str, msgspec.Meta(max_length=200)] = ""
    on: bool = True


class EndpointAnswer(Answer):
    """`off_because`: gone (it answered 410), failing (a message failed for three days), by_hand; null: it is on."""

    id: str
    url: str
    types: list[str]
    description: str
    off_because: str | None
    created_at: datetime
    version: int


class NewEndpointAnswer(EndpointAnswer):
    """With its signing secret (Standard Webhooks), which is shown this once."""

    secret: str


class DeliveryAnswer(Answer):
    """`id` is the `webhook-id` of every attempt. `next_at`: when it is tried again."""

    id: str
    type: str
    body: str
    state: str
    created_at: datetime
    next_at: datetime | None
    attempts: list[DeliveryAttempt]


class DeliveryQuery(PageQuery):
    """`state`: pending, delivered or failed."""

    state: Literal["pending", "delivered", "failed"] | None = None


@function.route("GET", "/api/webhook-endpoints", ability="webhooks:read", needs=Needs(reads=("integrations",)))
def list_webhook_endpoints(request: Request) -> list[EndpointAnswer]:
    """All of them; there are twenty at most."""
    return [_show(endpoint) for endpoint in store.endpoints(request.company_id)]


@function.route(
    "POST",
    "/api/webhook-endpoints",
    ability="webhooks:write",
    status=201,
    idempotent=False,
    needs=SEALS,
    errors=("too_many_endpoints 409",),
)
def add_webhook_endpoint(request: Request, body: EndpointBody) -> NewEndpointAnswer:
    """Tell an address of bookings from now on. Messages are signed by Standard Webhooks with the secret given here."""
    from chalicelib.integrations import manage_endpoints

    details = manage_endpoints.EndpointDetails(body.url, body.types, body.description)
    made = manage_endpoints.add(request.unit, request.company_id, details, now)
    return _with_secret(made.endpoint, made.secret)


@function.route(
    "PUT",
    "/api/webhook-endpoints/{endpoint_id}",
    ability="webhooks:write",
    needs=WRITES,
    errors=("endpoint_not_found 404", "stale_version 409"),
)
def change_webhook_endpoint(request: Request, endpoint_id: str, body: EndpointBody) -> EndpointAnswer:
    """Change where, of what and whether it is told."""
    from chalicelib.integrations import manage_endpoints

    current = store.get_endpoint(request.company_id, endpoint_id)
    details = manage_endpoints.EndpointDetails(body.url, body.types, body.description)
    return _show(manage_endpoints.change(request.unit, current, details, on=body.on))


@function.route(
    "POST",
    "/api/webhook-endpoints/{endpoint_id}/rotate-secret",
    ability="webhooks:write",
    idempotent=False,
    needs=SEALS,
    errors=("endpoint_not_found 404", "stale_version 409"),
)
def rotate_webhook_secret(request: Request, endpoint_id: str) -> NewEndpointAnswer:
    """A new signing secret. For a day messages carry both signatures."""
    from chalicelib.integrations import manage_endpoints

    made = manage_endpoints.rotate(request.unit, request.company_id, endpoint_id, now)
    return _with_secret(made.endpoint, made.secret)


@function.route(
    "POST",
    "/api/webhook-endpoints/{endpoint_id}/test",
    ability="webhooks:write",
    status=202,
    needs=WRITES,
    errors=("endpoint_not_found 404", "stale_version 409"),
)
def test_webhook_endpoint(request: Request, endpoint_id: str) -> DeliveryAnswer:
    """Send a message of type `webhook.test`; an endpoint that was switched off is switched on."""
    from chalicelib.integrations import manage_endpoints

    return _delivery(manage_endpoints.try_out(lambda: request.unit(_delivery), request.company_id, endpoint_id, now))


@function.route(
    "DELETE",
    "/api/webhook-endpoints/{endpoint_id}",
    ability="webhooks:write",
    status=204,
    needs=WRITES,
    errors=("endpoint_not_found 404",),
)
def remove_webhook_endpoint(request: Request, endpoint_id: str) -> None:
    """Tell it nothing any more."""
    from chalicelib.integrations import manage_endpoints

    manage_endpoints.remove(request.unit, request.company_id, endpoint_id)


@function.route(
    "GET",
    "/api/webhook-endpoints/{endpoint_id}/deliveries",
    ability="webhooks:read",
    needs=Needs(reads=("integrations",)),
    errors=("endpoint_not_found 404",),
)
def list_webhook_deliveries(request: Request, endpoint_id: str, query: DeliveryQuery) -> Page[DeliveryAnswer]:
    """What was sent to it in the last thirty days, and what came of every attempt; the newest first."""
    store.get_endpoint(request.company_id, endpoint_id)
    found = store.page_deliveries(
        request.company_id, endpoint_id, state=query.state, limit=query.limit, cursor=query.cursor
    )
    return found.map(_delivery)


@function.route(
    "POST",
    "/api/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver",
    ability="webhooks:write",
    status=202,
    needs=WRITES,
    errors=("delivery_not_found 404",),
)
def redeliver_webhook(request: Request, endpoint_id: str, delivery_id: str) -> DeliveryAnswer:
    """Send it anew, with the same `webhook-id`."""
    from chalicelib.integrations import manage_endpoints

    again = manage_endpoints.send_again(
        lambda: request.unit(_delivery), request.company_id, endpoint_id, delivery_id, now
    )
    return _delivery(again)


def _show(endpoint: Endpoint) -> EndpointAnswer:
    return EndpointAnswer(**_fields(endpoint))


def _with_secret(endpoint: Endpoint, secret: str) -> NewEndpointAnswer:
    return NewEndpointAnswer(**_fields(endpoint), secret=secret)


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in EndpointAnswer.__struct_fields__} | {
        "types": list(endpoint.types)
    }


def _delivery(delivery: Delivery) -> DeliveryAnswer:
    shown = {name: getattr(delivery, name) for name in DeliveryAnswer.__struct_fields__}
    return DeliveryAnswer(**shown | {"attempts": list(delivery.attempts)})
