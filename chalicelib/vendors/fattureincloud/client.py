"""Fatture in Cloud's API v2: lists, one record, issuing a document, webhook subscriptions.

From fattureincloud/openapi-fattureincloud @362e3fe and developers.fattureincloud.it. Records stay as they come, plain
dictionaries whose numbers are int or Decimal, never float: what becomes of them is accounting's to say.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec

from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Invalid, VendorRefused
from chalicelib.core.settings import settings
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Answer, Vendor, unanswered
from chalicelib.vendors.payload import read

VENDOR = Vendor("fic", "Fatture in Cloud")
UNAUTHORIZED = "fic_unauthorized"
Resource = Literal["clients", "suppliers", "invoices", "quotes"]
RESOURCES: tuple[Resource, ...] = ("clients", "suppliers", "invoices", "quotes")
LARGEST_PAGE = 100
_TYPES = {"invoices": "invoice", "quotes": "quote"}
_ENCODER = msgspec.json.Encoder(decimal_format="number")
Record = dict[str, Any]
T = TypeVar("T")


class FicPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. The calls that FIC says are left in this hour and month, where it says so."""

    items: tuple[Record, ...]
    page: int
    last_page: int
    total: int
    hourly_remaining: int | None = None
    monthly_remaining: int | None = None


class FicCompany(msgspec.Struct, frozen=True, kw_only=True):
    """A company that the token opens. An accountant's has no books of its own, but those of its clients below it."""

    id: int
    name: str = ""
    type: str = "company"
    controlled_companies: "list[FicCompany]" = []


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Whom FIC tells of which events; `id` such as `SUB230`."""

    id: str
    sink: str = ""
    types: tuple[str, ...] = ()
    verified: bool = False


class _Page(msgspec.Struct):
    data: list[Record | None]
    current_page: int
    last_page: int
    total: int | None = None


class _Data(msgspec.Struct):
    data: Any = None
    warnings: Any = None


class FattureInCloud:
    """Fatture in Cloud with one access token. Methods raise what `VendorSession.call` lists, and for a token that FIC
    does not take (any more) VendorRefused `fic_unauthorized`. Make it per job, and close it.
    """

    def __init__(self, access_token: str, base_url: str | None = None, *, timeout_seconds: float | None = None) -> None:
        url = base_url or settings().fic_base_url
        self._session = VendorSession(VENDOR, url, access_token, timeout_seconds=timeout_seconds)

    def companies(self) -> tuple[FicCompany, ...]:
        """The companies whose books the token opens, an accountant's clients among them."""
        data = self._data("GET", "/user/companies").data
        companies = data.get("companies") if isinstance(data, dict) else None
        found = [_shaped(one, FicCompany) for one in companies or ()]
        found += [below for one in found for below in one.controlled_companies]
        return tuple({one.id: one for one in found if one.type == "company"}.values())

    def page(
        self,
        company_id: int,
        resource: Resource,
        page: int,
        *,
        updated_since: datetime | None = None,
        per_page: int = LARGEST_PAGE,
    ) -> FicPage:
        """Page `page` (from 1) with every detail, the oldest first; of those changed since, where an instant is given.

        FIC's times carry no zone, and which one they are in is not documented: the instant is sent as UTC, which in
        Italy is the earlier text, so that the list holds too much rather than too little.
        """
        path, query = _list_path(company_id, resource)
        query |= {"page": page, "per_page": per_page, "fieldset": "detailed", "sort": "created_at"}
        if updated_since is not None:
            since = to_utc(updated_since).strftime("%Y-%m-%d %H:%M:%S")
            query |= {"sort": "updated_at", "q": f"updated_at >= '{since}'"}
        answer = self._send("GET", path, query=query)
        found = _decoded(answer, _Page, writes=False)
        items = tuple(item for item in found.data if item is not None)
        return FicPage(
            items=items,
            page=found.current_page,
            last_page=found.last_page,
            total=len(items) if found.total is None else found.total,
            hourly_remaining=_count(answer.headers.get("ratelimit-hourlyremaining")),
            monthly_remaining=_count(answer.headers.get("ratelimit-monthlyremaining")),
        )

    def fetch(self, company_id: int, resource: Resource, record_id: int) -> Record | None:
        """One record with every detail; None when there is none, or no longer."""
        path, _ = _list_path(company_id, resource)
        try:
            found = self._data("GET", f"{path}/{record_id}", query={"fieldset": "detailed"}).data
        except VendorRefused as error:
            if error.code == "fic_not_found":
                return None
            raise
        if not isinstance(found, dict):
            raise unanswered(VENDOR, writes=False)
        return found

    def create_document(self, company_id: int, data: Mapping[str, Any]) -> Record:
        """Issue a document; the answer has its id and the number that FIC gave it.

        FIC has no idempotency key: after OutcomeUnknown look for the document before issuing it again.
        """
        made = self._data("POST", f"/c/{company_id}/issued_documents", body={"data": data}).data
        if not isinstance(made, dict):
            raise unanswered(VENDOR, writes=True)
        return made

    def subscriptions(self, company_id: int) -> tuple[Subscription, ...]:
        """The webhook subscriptions of our application."""
        data = self._data("GET", f"/c/{company_id}/subscriptions").data
        return tuple(_shaped(one, Subscription) for one in data or ())

    def create_subscription(
        self, company_id: int, sink: str, types: Sequence[str], method: Literal["header", "query"] = "header"
    ) -> tuple[list[Subscription], list[str]]:
        """What was made, and FIC's warnings: a type subscribed to already is left out of it with a warning."""
        subscription = {"sink": sink, "types": list(types), "verification_method": method}
        made = self._data("POST", f"/c/{company_id}/subscriptions", body={"data": subscription})
        found = made.data if isinstance(made.data, list) else [made.data] if made.data else []
        # The specification says a list of warnings, its example shows one text.
        warnings = made.warnings if isinstance(made.warnings, list) else [made.warnings] if made.warnings else []
        return [_shaped(one, Subscription, writes=True) for one in found], [str(one) for one in warnings]

    def delete_subscription(self, company_id: int, subscription_id: str) -> None:
        """End it; one that is gone already is fine."""
        try:
            self._send("DELETE", _subscription(company_id, subscription_id))
        except VendorRefused as error:
            if error.code != "fic_not_found":
                raise

    def verify_subscription(
        self, company_id: int, subscription_id: str, method: Literal["header", "query"] = "header"
    ) -> None:
        """Let FIC send its challenge once more: five times in all, ten minutes apart."""
        body = {"data": {"verification_method": method}}
        self._send("POST", f"{_subscription(company_id, subscription_id)}/verify", body=body)

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _data(self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, body: Any = None) -> _Data:
        return _decoded(self._send(method, path, query=query, body=body), _Data, writes=method != "GET")

    def _send(
        self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, body: Any = None
    ) -> Answer:
        raw = None if body is None else _ENCODER.encode(body)
        try:
            return self._session.send(method, path, query=query, raw=raw)
        except VendorRefused as error:
            if error.code == "fic_credentials":
                raise VendorRefused(UNAUTHORIZED, error.detail, **error.extra) from error
            raise


def _list_path(company_id: int, resource: Resource) -> tuple[str, dict[str, str | int]]:
    if resource in _TYPES:
        return f"/c/{company_id}/issued_documents", {"type": _TYPES[resource]}
    return f"/c/{company_id}/entities/{resource}", {}


def _subscription(company_id: int, subscription_id: str) -> str:
    return f"/c/{company_id}/subscriptions/{quote(subscription_id, safe='')}"


def _decoded(answer: Answer, shape: type[T], *, writes: bool) -> T:
    try:
        return msgspec.json.Decoder(shape, float_hook=Decimal).decode(answer.body)
    except (ValueError, ArithmeticError, RecursionError) as error:  # ValueError covers msgspec's own
        raise unanswered(VENDOR, writes) from error


def _shaped(value: Any, shape: type[T], *, writes: bool = False) -> T:
    try:
        return read(value, shape, "answer.data")
    except Invalid as error:
        raise unanswered(VENDOR, writes) from error


def _count(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
