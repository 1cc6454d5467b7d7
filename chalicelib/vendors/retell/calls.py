"""The calls that Retell knows: listing them from a time on, and one in full.

From retell-sdk 6.2.13 and docs.retellai.com. `POST /v3/list-calls` leaves out transcripts and recordings, which
`GET /v2/get-call` gives; the older `POST /v2/list-calls` gives everything, where an account still has it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Invalid, Unavailable
from chalicelib.core.secrets import secrets_of
from chalicelib.core.settings import settings
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor
from chalicelib.vendors.payload import read
from chalicelib.vendors.retell.webhook import RetellCall

VENDOR = Vendor("retell", "Retell")
PAGE_SIZE = 100
MOST_PAGES = 10_000


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the list. `call` is None when it does not have the shape of a call; `whole`: nothing is left out."""

    call_id: str
    call: RetellCall | None
    whole: bool
    problem: str = ""


class _Page(msgspec.Struct, frozen=True):
    items: list[Any]
    has_more: bool | None = None
    pagination_key: str | None = None


class RetellCalls:
    """Retell on behalf of the account whose key this is. Every method raises what `VendorSession.call` lists.

    `version`: of the list, v3 or v2.
    """

    def __init__(self, api_key: str, base_url: str | None = None, version: str | None = None) -> None:
        self._session = VendorSession(VENDOR, base_url or settings().retell_base_url, api_key)
        self._version = version or settings().retell_list_calls

    def since(self, first: datetime) -> Iterator[Listed]:
        """Calls that began at `first` or later, the oldest first, a page at a time."""
        millis = round(to_utc(first).timestamp() * 1000)
        body: dict[str, Any] = {
            "filter_criteria": {"start_timestamp": self._from(millis)},
            "sort_order": "ascending",
            "limit": PAGE_SIZE,
        }
        path = f"/{self._version}/list-calls"
        for _ in range(MOST_PAGES):
            page = self._session.call("POST", path, _Page, body=body, changes=False, bare_list="items")
            entries = [self._listed(entry) for entry in page.items]
            yield from entries
            more = len(page.items) == PAGE_SIZE if page.has_more is None else page.has_more
            if not (more and entries):
                return
            body["pagination_key"] = page.pagination_key or entries[-1].call_id
        raise Unavailable("retell_unavailable", f"Retell's list did not end after {MOST_PAGES} pages.")

    def call(self, call_id: str) -> RetellCall:
        """The call in full; raises VendorRefused `retell_not_found`."""
        return self._session.call("GET", f"/v2/get-call/{quote(call_id, safe='')}", RetellCall)

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _from(self, millis: int) -> dict[str, Any]:
        if self._version == "v2":
            return {"lower_threshold": millis}
        return {"type": "number", "op": "ge", "value": millis}

    def _listed(self, entry: Any) -> Listed:
        call_id = str(entry.get("call_id", "")) if isinstance(entry, dict) else ""
        try:
            call = read(entry, RetellCall, "call")
        except Invalid as error:
            # One call of an unknown shape is no reason to lose the others.
            return Listed(call_id=call_id, call=None, whole=False, problem=error.detail)
        return Listed(call_id=call_id, call=call, whole=self._version == "v2")


def connected() -> RetellCalls:
    """A client with this stage's newest API key; raises Unavailable when none is configured."""
    return RetellCalls(secrets_of("retell_api_key")[0])
