"""The control API of the simulated Fatture in Cloud, under `/_sim/`, and the page that uses it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.fattureincloud.access import Access, Quotas, Window
from infra.local.simulators.fattureincloud.books import Books
from infra.local.simulators.fattureincloud.webhooks import Webhooks

PAGE = Path(__file__).with_name("page.html")
SHOWN_DELIVERIES = 50


class Controlled(Protocol):
    """What of the simulator is controlled."""

    access: Access
    books: dict[int, Books]
    quotas: dict[int, Quotas]
    webhooks: Webhooks

    def create(self, resource: str, data: dict[str, Any], *, company: int, silent: bool) -> dict[str, Any]:
        """A new record."""

    def change(
        self, resource: str, record_id: int, data: dict[str, Any], *, company: int, silent: bool
    ) -> dict[str, Any]:
        """Other values for some fields."""

    def delete(self, resource: str, record_id: int, *, company: int, silent: bool) -> None:
        """Gone."""

    def resize(self, company_id: int, **sizes: int) -> None:
        """Other books for a company."""


def control_routes(simulator: Controlled) -> Sequence[Route]:
    """What there is under `/_sim/` beyond what every simulator has."""
    control = _Control(simulator)
    return (
        Route("GET", "/_sim/", lambda request: Reply(200, PAGE.read_bytes(), {"Content-Type": "text/html"})),
        Route("GET", "/_sim/companies", lambda request: Reply(200, {"data": list(simulator.books)})),
        Route("GET", "/_sim/records", control.show),
        Route("POST", "/_sim/records", control.change),
        Route("GET", "/_sim/deliveries", control.deliveries),
        Route("POST", "/_sim/replay", control.replay),
        Route("POST", "/_sim/notify", control.notify),
        Route("POST", "/_sim/webhook-delay", control.delay),
        Route("POST", "/_sim/quotas", control.set_quotas),
        Route("POST", "/_sim/resize", control.resize),
        Route("POST", "/_sim/revoke", control.revoke),
        Route("POST", "/_sim/subscriptions", control.set_subscription),
    )


class _Control:
    def __init__(self, simulator: Controlled) -> None:
        self._fic = simulator
        self._first = next(iter(simulator.books))

    def show(self, request: Request) -> Reply:
        query = dict(request.query)
        company = int(query.pop("company", self._first))
        return Reply(200, self._fic.books[company].page(query.pop("resource", "clients"), query, request.path))

    def change(self, request: Request) -> Reply:
        """{resource, action: create|update|delete, id?, data?, company?, silent?}"""
        body = request.json()
        resource, company = body["resource"], body.get("company", self._first)
        more = {"company": company, "silent": body.get("silent", False)}
        if body["action"] == "create":
            return Reply(201, {"data": self._fic.create(resource, body.get("data") or {}, **more)})
        if body["action"] == "update":
            return Reply(200, {"data": self._fic.change(resource, int(body["id"]), body.get("data") or {}, **more)})
        if body["action"] != "delete":
            raise Refused(422, "action is create, update or delete.")
        self._fic.delete(resource, int(body["id"]), **more)
        return Reply(204)

    def deliveries(self, request: Request) -> Reply:
        """The last ones, without their tokens."""
        shown = []
        for index, one in list(enumerate(self._fic.webhooks.deliveries))[-SHOWN_DELIVERIES:]:
            shown.append({"index": index, **{k: getattr(one, k) for k in ("id", "type", "time", "sink", "body")}})
            shown[-1]["attempts"] = one.attempts
        return Reply(200, {"data": shown})

    def replay(self, request: Request) -> Reply:
        self._fic.webhooks.replay(int(request.json().get("index", -1)))
        return Reply(204)

    def notify(self, request: Request) -> Reply:
        """{type, ids, company?, id?, time?}: any event, whatever became of the records."""
        body = request.json()
        more = {"event_id": body.get("id"), "time": body.get("time")}
        self._fic.webhooks.notify(body.get("company", self._first), body["type"], body["ids"], **more)
        return Reply(204)

    def delay(self, request: Request) -> Reply:
        self._fic.webhooks.delay_seconds = float(request.json()["seconds"])
        return Reply(204)

    def set_quotas(self, request: Request) -> Reply:
        """{company?, short?: {seconds, calls}, hour?: …, month?: …}, counted anew."""
        body = request.json()
        quotas = self._fic.quotas[body.get("company", self._first)]
        for name in ("short", "hour", "month"):
            if name in body:
                setattr(quotas, name, msgspec.convert(body[name], Window))
        return Reply(204)

    def resize(self, request: Request) -> Reply:
        """{company?, clients?, suppliers?, invoices?, quotes?}"""
        body = request.json()
        self._fic.resize(int(body.pop("company", self._first)), **body)
        return Reply(204)

    def revoke(self, request: Request) -> Reply:
        self._fic.access.revoke()
        return Reply(204)

    def set_subscription(self, request: Request) -> Reply:
        """{id, verified?, gone?}: dropped, or no longer verified."""
        body = request.json()
        one = self._fic.webhooks.subscriptions[body["id"]]
        one.verified = body.get("verified", one.verified)
        if body.get("gone"):
            del self._fic.webhooks.subscriptions[one.id]
        return Reply(204)
