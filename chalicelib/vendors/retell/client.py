"""Retell's API, as far as starting calls goes (retell-sdk 6.2.13)."""

from typing import Any

import msgspec

from chalicelib.core.errors import Unavailable
from chalicelib.core.secrets import secrets_of
from chalicelib.core.settings import settings
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor

VENDOR = Vendor("retell", "Retell")
PAGE_SIZE = 50


class NewPhoneCall(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call by the agent. Numbers E.164, `from_number` one that Retell knows.

    The same `idempotency_key` within an hour does not make a second call.
    """

    from_number: str
    to_number: str
    override_agent_id: str | None = None
    metadata: dict[str, str] = {}
    retell_llm_dynamic_variables: dict[str, str] = {}
    idempotency_key: str | None = None


class StartedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that Retell took on."""

    call_id: str
    call_status: str | None = None
    metadata: dict[str, Any] = {}


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    items: list[StartedCall]
    has_more: bool = False


class Retell:
    """Retell on behalf of the account whose key this is. Every method raises what `VendorSession.call` lists."""

    def __init__(self, api_key: str, base_url: str | None = None, *, timeout_seconds: float | None = None) -> None:
        url = base_url or settings().retell_base_url
        self._session = VendorSession(VENDOR, url, api_key, timeout_seconds=timeout_seconds)

    def create_phone_call(self, new: NewPhoneCall) -> StartedCall:
        """Let the agent call somebody; RateLimited when as many calls are on as the account may have."""
        return self._session.call("POST", "/v2/create-phone-call", StartedCall, body=new)

    def call_with(self, to_number: str, name: str, value: str) -> StartedCall | None:
        """The newest call to the number whose metadata has `value` under `name`, among the last fifty."""
        criteria = {
            "filter_criteria": {"to_number": {"type": "string", "op": "eq", "value": to_number}},
            "sort_order": "descending",
            "limit": PAGE_SIZE,
        }
        found = self._session.call("POST", "/v3/list-calls", _Listed, body=criteria)
        return next((one for one in found.items if one.metadata.get(name) == value), None)

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()


def connected() -> Retell:
    """A client with this stage's own API key; raises Unavailable when none is configured."""
    keys = secrets_of("retell_api_key")
    if not keys:
        raise Unavailable("not_configured", "The secret retell_api_key is empty.")
    return Retell(keys[0])
