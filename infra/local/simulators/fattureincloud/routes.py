"""Fatture in Cloud's OAuth pages and its subscriptions, as the simulator serves them."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.fattureincloud.access import Access
from infra.local.simulators.fattureincloud.webhooks import Webhooks

HOOKS = "/c/{company}/subscriptions"


def oauth_routes(access: Access) -> Sequence[Route]:
    """OAuth 2's pages and its token endpoint."""
    return (
        Route("GET", "/oauth/authorize", lambda request: _authorize(access, request)),
        Route("GET", "/oauth/allow", lambda request: _allow(access, request)),
        Route("POST", "/oauth/token", lambda request: Reply(200, access.token(request.json()))),
    )


def subscription_routes(webhooks: Webhooks) -> Sequence[Route]:
    """What a company is told by webhook."""

    def listed(request: Request, company: str) -> Reply:
        return Reply(200, {"data": [one.shown() for one in webhooks.of(int(company))]})

    def subscribe(request: Request, company: str) -> Reply:
        one, warnings = webhooks.create(int(company), request.json()["data"])
        return Reply(200, {"data": one.shown() if one else None, "warnings": warnings})

    def show(request: Request, company: str, id: str) -> Reply:
        return Reply(200, {"data": webhooks.get(int(company), id).shown()})

    def change(request: Request, company: str, id: str) -> Reply:
        return Reply(200, {"data": webhooks.change(int(company), id, request.json()["data"]).shown()})

    def unsubscribe(request: Request, company: str, id: str) -> Reply:
        webhooks.remove(int(company), id)
        return Reply(200)

    def verify(request: Request, company: str, id: str) -> Reply:
        webhooks.verify(int(company), id, request.json().get("data") or {})
        return Reply(200)

    return (
        Route("GET", HOOKS, listed),
        Route("POST", HOOKS, subscribe),
        Route("GET", f"{HOOKS}/{{id}}", show),
        Route("PUT", f"{HOOKS}/{{id}}", change),
        Route("DELETE", f"{HOOKS}/{{id}}", unsubscribe),
        Route("POST", f"{HOOKS}/{{id}}/verify", verify),
    )


def _authorize(access: Access, request: Request) -> Reply:
    """Asks the person."""
    query = request.query
    if query.get("response_type") != "code" or query.get("client_id") != access.client_id:
        raise Refused(400, "invalid_request")
    yes = f"/oauth/allow?{urlencode(query)}"
    no = f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
    page = (
        "<!doctype html><title>Fatture in Cloud (simulated)</title>"
        f"<h1>Allow {escape(query['client_id'])}?</h1><p>{escape(query.get('scope', ''))}</p>"
        f'<p><a href="{escape(yes)}">Allow</a> · <a href="{escape(no)}">Deny</a></p>'
    )
    return Reply(200, page.encode(), {"Content-Type": "text/html"})


def _allow(access: Access, request: Request) -> Reply:
    query = request.query
    target = access.allow(query["client_id"], query["redirect_uri"], query["scope"], query["state"])
    return Reply(302, None, {"Location": target})
