"""Twilio's REST API: texts and calls.

From github.com/twilio/twilio-oai `twilio_api_v2010.json` @d50069b. Requests are forms, answers JSON, times RFC 2822.
There is no idempotency key: after a lost answer, look for the text or the call before asking again.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from chalicelib.core.errors import DomainError, Unavailable, VendorRefused
from chalicelib.core.secrets import secret, secrets_of
from chalicelib.core.settings import settings
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor

VENDOR = Vendor("twilio", "Twilio")
PAGE_SIZE = 100
MOST_PAGES = 20
LONGEST_TEXT = 1600
OPTED_OUT = 21610
NOT_A_NUMBER = 21211
"""Numbers of errors: the recipient said STOP; `To` cannot be sent to."""
OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
"""What a call's status is once nothing more will happen."""


class TextMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A text as Twilio has it. `to` and `from_number` E.164; `error_code` once it failed."""

    sid: str
    status: str
    to: str | None = None
    from_number: str | None = msgspec.field(name="from", default=None)
    body: str | None = None
    direction: str | None = None
    date_created: str | None = None
    error_code: int | None = None

    @property
    def created_at(self) -> datetime | None:
        """In UTC, to the second."""
        return _instant(self.date_created)


class PhoneLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of a call as Twilio has it; a Dial's legs name the call that dialled as `parent_call_sid`."""

    sid: str
    status: str
    to: str | None = None
    from_number: str | None = msgspec.field(name="from", default=None)
    direction: str | None = None
    parent_call_sid: str | None = None
    duration: str | None = None
    date_created: str | None = None

    @property
    def created_at(self) -> datetime | None:
        """In UTC, to the second."""
        return _instant(self.date_created)


class NewCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call to make: once answered, Twilio asks `url` what to do. `ring_seconds` is how long it rings."""

    to: str
    from_number: str
    url: str
    status_url: str
    ring_seconds: int = 30


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    messages: list[TextMessage] = []
    calls: list[PhoneLeg] = []
    next_page_uri: str | None = None


Item = TypeVar("Item", TextMessage, PhoneLeg)


class Twilio:
    """Twilio on behalf of one account. Every method raises what `VendorSession.call` lists.

    A refusal's `extra["vendor_code"]` is Twilio's number for it.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str | None = None,
        *,
        timeout_seconds: float | None = None,
    ) -> None:
        url = base_url or settings().twilio_base_url
        self._session = VendorSession(VENDOR, url, auth_token, timeout_seconds=timeout_seconds, user=account_sid)
        self._account = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}"

    def send_text(self, to: str, sender: str, body: str) -> TextMessage:
        """Send a text; `sender` is a number of ours or a messaging service (MG…)."""
        by = "MessagingServiceSid" if sender.startswith("MG") else "From"
        form = [("To", to), (by, sender), ("Body", body)]
        return self._session.call("POST", f"{self._account}/Messages.json", TextMessage, form=form)

    def texts_to(self, to: str) -> Iterator[TextMessage]:
        """Every text to that number that Twilio still has, of any status."""
        # Without DateSent: a text that waits in Twilio's own queue has none yet, and it is the one that matters.
        return self._all("Messages", {"To": to}, lambda page: page.messages)

    def start_call(self, new: NewCall) -> PhoneLeg:
        """Ring somebody; the leg's status is then told to `status_url`, four times in all."""
        form = [
            ("To", new.to),
            ("From", new.from_number),
            ("Url", new.url),
            ("Method", "POST"),
            ("Timeout", str(new.ring_seconds)),
            ("StatusCallback", new.status_url),
            ("StatusCallbackMethod", "POST"),
            *(("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")),
        ]
        return self._session.call("POST", f"{self._account}/Calls.json", PhoneLeg, form=form)

    def call(self, sid: str) -> PhoneLeg:
        """One leg; raises VendorRefused `twilio_not_found`."""
        return self._session.call("GET", f"{self._account}/Calls/{quote(sid, safe='')}.json", PhoneLeg)

    def legs_of(self, sid: str) -> Iterator[PhoneLeg]:
        """What that call dialled."""
        return self._all("Calls", {"ParentCallSid": sid}, lambda page: page.calls)

    def calls_to(self, to: str, sender: str) -> Iterator[PhoneLeg]:
        """Every call from `sender` to that number that Twilio still has."""
        return self._all("Calls", {"To": to, "From": sender}, lambda page: page.calls)

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _all(self, kind: str, criteria: dict[str, str], items: Any) -> Iterator[Any]:
        path, query = f"{self._account}/{kind}.json", {**criteria, "PageSize": str(PAGE_SIZE)}
        for _ in range(MOST_PAGES):
            page = self._session.call("GET", path, _Page, query=query)
            yield from items(page)
            if not page.next_page_uri:
                return
            following = urlsplit(page.next_page_uri)
            path, query = following.path, dict(parse_qsl(following.query, keep_blank_values=True))
        raise Unavailable("twilio_unavailable", f"Twilio's list did not end after {MOST_PAGES} pages.")


def refused_with(error: DomainError, code: int) -> bool:
    """Whether Twilio refused with this number."""
    return isinstance(error, VendorRefused) and error.extra.get("vendor_code") == code


def connected() -> Twilio:
    """A client with this stage's own account; raises Unavailable when none is configured."""
    return Twilio(secret("twilio_account_sid"), api_token(secrets_of("twilio_auth_token")))


def api_token(tokens: Sequence[str]) -> str:
    """The token that requests are made with: of several under rotation the first."""
    return tokens[0] if tokens else ""


def _instant(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found else None
