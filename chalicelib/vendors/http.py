"""One request to a vendor: sent once, never retried here; what came of it is a typed value or core's error."""

import time
from collections.abc import Callable, Mapping, Sequence
from ssl import SSLCertVerificationError
from typing import Any, TypedDict, TypeVar, Unpack
from urllib.parse import urlencode

import msgspec
import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError, SSLError

from chalicelib.core import switches
from chalicelib.core.clock import now
from chalicelib.core.correlation import HEADER, current_id
from chalicelib.core.errors import DomainError, Invalid, VendorRefused
from chalicelib.core.logging import log
from chalicelib.core.settings import settings
from chalicelib.vendors.outcomes import Answer, Vendor, refusal, unanswered, unreachable
from chalicelib.vendors.payload import read, read_json

T = TypeVar("T")
JSON = "application/json"

Hook = Callable[[str, str, str], None]
"""Called with the vendor's code, the method and the path."""

before_request: list[Hook] = []
"""Run before each outside call: a kill test exits the process here before the n-th."""

after_request: list[Hook] = []
"""Run after each outside call, answered or not, before anything is made of the answer."""


class CallOptions(TypedDict, total=False):
    """What a request may have: `body` (anything msgspec encodes, sent as JSON) or `form`, a query, headers.

    `changes`: False for a POST that only asks. `bare_list`: the field that an answer which is a list is read as.
    """

    query: Mapping[str, str | int]
    body: Any
    form: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    changes: bool
    bare_list: str


class _Outgoing(msgspec.Struct, frozen=True):
    """A request as it goes out; `content` with its type. `writes`: the vendor may do something."""

    method: str
    path: str
    query: Mapping[str, str | int] | None
    content: tuple[str, bytes] | None
    headers: Mapping[str, str]
    writes: bool


class VendorSession:
    """Connections to one vendor with one key. Make it per job: a connection kept over a frozen Lambda is a dead one.

    `base_url` has no trailing path of its own (`https://api.cal.com`); `timeout_seconds` (to connect, and between two
    bytes of the answer) is the setting's unless given. `key` None: what is asked needs none. The key is shown as a
    Bearer token, or with `user` as the password of HTTP Basic.
    """

    def __init__(
        self,
        vendor: Vendor,
        base_url: str,
        key: str | None,
        *,
        timeout_seconds: float | None = None,
        user: str | None = None,
    ) -> None:
        self._vendor = vendor
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._user = user
        self._timeout = settings().vendor_timeout_seconds if timeout_seconds is None else timeout_seconds
        self._session = requests.Session()
        # As `auth`, not as a header: a ~/.netrc entry for the host would silently replace a header.
        self._session.auth = self._authorize

    def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        **options: Unpack[CallOptions],
    ) -> T:
        """Reads the 2xx answer to a request as the Struct `answer`.

        Raises, with codes that begin with the vendor's:
        - Unavailable `_unreachable`: no connection, surely not delivered; `_unavailable`: a GET without usable answer
        - OutcomeUnknown `_outcome_unknown`: any other method whose answer is missing, 5xx or not of the expected shape
        - VendorRefused `_credentials` (401), `_forbidden` (403), `_not_found` (404), `_invalid` (other 4xx)
        - SwitchedOff `_switched_off`: not to be called at present; surely not delivered
        - Conflict `_conflict` (409), RateLimited `_rate_limited` (429, and 403 with Retry-After)
        """
        request = _Outgoing(
            method,
            path,
            options.get("query"),
            _content(options.get("body"), options.get("form")),
            options.get("headers") or {},
            options.get("changes", method != "GET"),
        )
        found, bare_list = self._send(request), options.get("bare_list")
        try:
            value = read_json(found.body)
            return read({bare_list: value} if isinstance(value, list) and bare_list else value, answer, "answer")
        except Invalid as error:
            raise unanswered(self._vendor, request.writes) from error

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends `raw` (JSON) and returns the 2xx answer as it came, headers included; raises like `call`."""
        content = None if raw is None else (JSON, raw)
        return self._send(_Outgoing(method, path, query, content, headers or {}, method != "GET"))

    def _send(self, request: _Outgoing) -> Answer:
        found = self._exchange(request)
        if not 200 <= found.status < 300:
            raise refusal(self._vendor, found, request.writes, now(), self._key or "")
        return found

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _exchange(self, request: _Outgoing) -> Answer:
        switches.require_vendor(self._vendor.code, self._vendor.title)
        self._check_key()
        _run(before_request, self._vendor, request)
        status, started = None, time.monotonic()
        try:
            response = self._response(request)
            status = response.status_code
        except requests.RequestException as error:
            raise self._no_answer(error, request.writes) from error
        finally:
            _run(after_request, self._vendor, request)
            took = round((time.monotonic() - started) * 1000, 1)
            # The path holds ids alone; a query may hold a phone number.
            about = {"vendor": self._vendor.code, "method": request.method, "path": request.path}
            log.info("vendor called", extra={**about, "status": status, "took_ms": took})
        lowercase = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lowercase, response.content)

    def _response(self, request: _Outgoing) -> requests.Response:
        kind, data = request.content or (None, None)
        known = {"Accept": JSON, HEADER: current_id()} | ({"Content-Type": kind} if kind else {})
        return self._session.request(
            request.method,
            self._base_url + request.path,
            params=request.query,
            data=data,
            headers={**known, **request.headers},
            timeout=self._timeout,
            allow_redirects=False,  # a redirected POST becomes a GET
        )

    def _no_answer(self, error: requests.RequestException, writes: bool) -> DomainError:
        return unreachable(self._vendor) if _undelivered(error) else unanswered(self._vendor, writes)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key is None:
            return request
        if self._user is None:
            request.headers["Authorization"] = f"Bearer {self._key}"
            return request
        HTTPBasicAuth(self._user, self._key)(request)
        return request

    def _check_key(self) -> None:
        """A key pasted with a line break or a typographic dash cannot even be sent."""
        if self._key is not None and not (
            self._key.isascii() and self._key.isprintable() and self._key.strip() == self._key != ""
        ):
            detail = f"The {self._vendor.title} key is empty or has characters that no key has."
            raise VendorRefused(f"{self._vendor.code}_credentials", detail)


def _content(body: Any, form: Sequence[tuple[str, str]] | None) -> tuple[str, bytes] | None:
    if form is not None:
        return "application/x-www-form-urlencoded", urlencode(form).encode()
    return None if body is None else (JSON, msgspec.json.encode(body))


def _run(hooks: list[Hook], vendor: Vendor, request: _Outgoing) -> None:
    for hook in hooks:
        hook(vendor.code, request.method, request.path)


def _undelivered(error: requests.RequestException) -> bool:
    """Whether surely no byte of the request arrived.

    requests says ConnectionError both for a refused connection and for one that broke after sending; only urllib3's
    reason inside tells them apart. Anything not known to be harmless counts as delivered.
    """
    if isinstance(error, ValueError):  # InvalidURL, MissingSchema, InvalidHeader …: given up before connecting
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, ProxyError):
        reason = reason.original_error
    if isinstance(reason, SSLError):  # of TLS failures only a refused certificate is surely before the request
        return bool(reason.args) and isinstance(reason.args[0], SSLCertVerificationError)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)
