"""Fatture in Cloud's API v2 as a fake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from chalicelib.core.clock import now
from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.fattureincloud.access import Access, Grant, Keys, Quotas
from infra.local.simulators.fattureincloud.books import Books
from infra.local.simulators.fattureincloud.control import control_routes
from infra.local.simulators.fattureincloud.data import DOCUMENT_TYPES, Sizes
from infra.local.simulators.fattureincloud.routes import oauth_routes, subscription_routes
from infra.local.simulators.fattureincloud.signer import Signer
from infra.local.simulators.fattureincloud.webhooks import Subscription, Webhooks
from infra.local.simulators.server import Simulator

COMPANY = 108061
SCOPES = {
    "clients": "entity.clients",
    "suppliers": "entity.suppliers",
    "invoices": "issued_documents.invoices",
    "quotes": "issued_documents.quotes",
}
RESOURCE_OF = {kind: resource for resource, kind in DOCUMENT_TYPES.items()}


@dataclass(frozen=True)
class Notices:
    """How notifications leave: signed with a key of their own unless one is given, and so many seconds late."""

    signing_key: str | None = None
    delay_seconds: float = 0.0


class FattureInCloudSimulator(Simulator):
    """One application at FIC, and the companies that its users have there.

    `companies`: FIC's number and how many records its books begin with.
    """

    def __init__(
        self,
        keys: Keys = Keys(),
        *,
        companies: Mapping[int, Sizes] | None = None,
        notices: Notices = Notices(),
        state_file: Path | None = None,
    ) -> None:
        super().__init__(state_file)
        self.manual_token = keys.manual_token
        self.access = Access(keys, now)
        self.webhooks = Webhooks(Signer(notices.signing_key), self.stopping, notices.delay_seconds, now)
        self._seed = dict(companies or {COMPANY: Sizes()})
        self.clear()

    @property
    def public_key(self) -> str:
        """What FIC_WEBHOOK_PUBLIC_KEY has to be for its notifications to be taken."""
        return self.webhooks.signer.public_key

    def clear(self) -> None:
        """Back to the companies it was made with; no subscriptions, no tokens but the one made by hand."""
        self.books = {number: Books(sizes, now) for number, sizes in self._seed.items()}
        self.quotas = {number: Quotas(monotonic) for number in self._seed}
        self.access.clear()
        self.webhooks.clear()

    def resize(self, company_id: int = COMPANY, **sizes: int) -> None:
        """Other books for a company: as many records as said, the usual number of the rest."""
        self.books[company_id] = Books(msgspec.convert(sizes, Sizes), now)
        self.quotas.setdefault(company_id, Quotas(monotonic))

    def snapshot(self) -> Any:
        """Books, grants and subscriptions."""
        return {
            "books": {str(number): {"sizes": one.sizes, **one.snapshot()} for number, one in self.books.items()},
            "access": self.access.snapshot(),
            "subscriptions": list(self.webhooks.subscriptions.values()),
        }

    def restore(self, state: Any) -> None:
        """The inverse of `snapshot`."""
        for number, kept in state["books"].items():
            self.books[int(number)] = Books(msgspec.convert(kept["sizes"], Sizes), now)
            self.books[int(number)].restore(kept)
            self.quotas.setdefault(int(number), Quotas(monotonic))
        self.access.restore(state["access"])
        for one in msgspec.convert(state["subscriptions"], list[Subscription]):
            self.webhooks.subscriptions[one.id] = one

    def routes(self) -> Sequence[Route]:
        """The documented endpoints that PilotPractice may want."""
        entities = "/c/{company}/entities/{kind}"
        documents = "/c/{company}/issued_documents"
        return (
            *oauth_routes(self.access),
            Route("GET", "/user/companies", self._companies),
            Route("GET", entities, self._list_entities),
            Route("POST", entities, self._create_entity),
            Route("GET", f"{entities}/{{id}}", self._get_entity),
            Route("PUT", f"{entities}/{{id}}", self._change_entity),
            Route("DELETE", f"{entities}/{{id}}", self._delete_entity),
            Route("GET", documents, self._list_documents),
            Route("POST", documents, self._create_document),
            Route("GET", f"{documents}/{{id}}", self._get_document),
            Route("PUT", f"{documents}/{{id}}", self._change_document),
            Route("DELETE", f"{documents}/{{id}}", self._delete_document),
            *subscription_routes(self.webhooks),
        )

    def control_routes(self) -> Sequence[Route]:
        """The page, changes as a person would make them in FIC's web UI, and what tests want to go wrong."""
        return control_routes(self)

    def admit(self, request: Request) -> None:
        """Token, company, scope and quota; nothing for OAuth itself."""
        if request.path.startswith("/oauth/"):
            return
        grant = self.access.grant_of(request.headers.get("authorization"))
        parts = request.path.split("/")
        if parts[1] != "c":
            return
        if not (parts[2].isdecimal() and int(parts[2]) in self.books):
            raise Refused(403, "You don't have permission to access this company.")
        self.quotas[int(parts[2])].admit()
        self._check_scope(grant, request, parts)

    def error_body(self, request: Request, status: int, message: str) -> Any:
        """OAuth's errors for OAuth, the API's for the rest."""
        if request.path.startswith("/oauth/"):
            return {"error": message, "error_description": "The request was refused."}
        code = {401: "UNAUTHORIZED", 403: "NO_PERMISSION", 404: "NOT_FOUND", 422: "VALIDATION_ERROR"}.get(status)
        result = {"data": [message]} if status == 422 else None
        return {"error": {"message": message, "code": code or "ERROR", "validation_result": result}}

    def body_to_note(self, request: Request) -> str:
        """Secrets and tokens are not kept."""
        return "***" if request.path.startswith("/oauth/") else super().body_to_note(request)

    def _dispatch(self, request: Request, routes: Sequence[Route]) -> Reply:
        reply = super()._dispatch(request, routes)
        parts = request.path.split("/")
        if parts[1] != "c":
            return reply
        return Reply(reply.status, reply.body, {**self.quotas[int(parts[2])].headers(), **reply.headers})

    def _check_scope(self, grant: Grant, request: Request, parts: list[str]) -> None:
        resource = parts[4] if len(parts) > 4 and parts[3] == "entities" else None
        if len(parts) > 3 and parts[3] == "issued_documents":
            resource = self._document_kind(request, int(parts[2]), parts[4] if len(parts) > 4 else None)
        if resource in SCOPES and not grant.allows(SCOPES[resource], request.method != "GET"):
            raise Refused(403, "The token does not have the scope for this.")

    def _document_kind(self, request: Request, company: int, document: str | None) -> str | None:
        if document is not None:
            return self.books[company].kind_of(int(document)) if document.isdecimal() else None
        kind = request.query.get("type") if request.method == "GET" else (request.json().get("data") or {}).get("type")
        return RESOURCE_OF.get(str(kind))

    # OAuth, as a browser meets it.

    def _companies(self, request: Request) -> Reply:
        names = ("Studio Demo S.r.l.", "Seconda Azienda S.r.l.", "Terza Azienda S.r.l.")
        companies = [
            {"id": number, "name": names[index % 3], "type": "company", "access_token": None}
            for index, number in enumerate(self.books)
        ]
        return _data({"companies": companies})

    # Records.

    def _list_entities(self, request: Request, company: str, kind: str) -> Reply:
        return Reply(200, self.books[int(company)].page(_entity(kind), dict(request.query), request.path))

    def _get_entity(self, request: Request, company: str, kind: str, id: str) -> Reply:
        return _data(self.books[int(company)].shown(_entity(kind), _id(id), dict(request.query)))

    def _create_entity(self, request: Request, company: str, kind: str) -> Reply:
        return _data(self.create(_entity(kind), request.json()["data"], company=int(company)))

    def _change_entity(self, request: Request, company: str, kind: str, id: str) -> Reply:
        return _data(self.change(_entity(kind), _id(id), request.json()["data"], company=int(company)))

    def _delete_entity(self, request: Request, company: str, kind: str, id: str) -> Reply:
        self.delete(_entity(kind), _id(id), company=int(company))
        return Reply(200)

    def _list_documents(self, request: Request, company: str) -> Reply:
        resource = RESOURCE_OF.get(request.query.get("type", ""))
        if resource is None:
            raise Refused(422, "The type field is required, and has to be invoice or quote here.")
        return Reply(200, self.books[int(company)].page(resource, dict(request.query), request.path))

    def _get_document(self, request: Request, company: str, id: str) -> Reply:
        books = self.books[int(company)]
        return _data(books.shown(books.kind_of(_id(id)), _id(id), dict(request.query)))

    def _create_document(self, request: Request, company: str) -> Reply:
        data = request.json()["data"]
        resource = RESOURCE_OF.get(data.get("type"))
        if resource is None:
            raise Refused(422, "The data.type field has to be invoice or quote here.")
        return _data(self.create(resource, data, company=int(company)))

    def _change_document(self, request: Request, company: str, id: str) -> Reply:
        resource = self.books[int(company)].kind_of(_id(id))
        return _data(self.change(resource, _id(id), request.json()["data"], company=int(company)))

    def _delete_document(self, request: Request, company: str, id: str) -> Reply:
        self.delete(self.books[int(company)].kind_of(_id(id)), _id(id), company=int(company))
        return Reply(200)

    # What a person does in FIC's web UI, also for tests; `silent`: without a notification.

    def create(
        self, resource: str, data: dict[str, Any], *, company: int = COMPANY, silent: bool = False
    ) -> dict[str, Any]:
        """A new record."""
        with self._lock:
            made = self.books[company].create(resource, data)
            if not silent:
                self.webhooks.tell(company, resource, "create", [made["id"]])
            return made

    def change(
        self, resource: str, record_id: int, data: dict[str, Any], *, company: int = COMPANY, silent: bool = False
    ) -> dict[str, Any]:
        """Other values for some fields."""
        with self._lock:
            changed = self.books[company].change(resource, record_id, data)
            if not silent:
                self.webhooks.tell(company, resource, "update", [record_id])
            return changed

    def delete(self, resource: str, record_id: int, *, company: int = COMPANY, silent: bool = False) -> None:
        """Gone."""
        with self._lock:
            self.books[company].delete(resource, record_id)
            if not silent:
                self.webhooks.tell(company, resource, "delete", [record_id])


def _data(data: Any) -> Reply:
    return Reply(200, {"data": data})


def _entity(kind: str) -> str:
    if kind not in ("clients", "suppliers"):
        raise Refused(404, "The requested resource was not found.")
    return kind


def _id(text: str) -> int:
    if not text.isdecimal():
        raise Refused(404, "The requested resource was not found.")
    return int(text)
