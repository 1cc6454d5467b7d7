"""What the simulated Twilio account holds: texts and legs of calls, and how they are listed."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from infra.local.simulators.exchange import Refused

Record = dict[str, Any]
"""In the shape of the API; times as RFC 2822."""
LONGEST_BODY = 1600
DEFAULT_PAGE, LARGEST_PAGE = 50, 1000


class Account:
    """Methods raise Refused; a message begins with Twilio's own number in brackets."""

    def __init__(self, sid: str, clock: Callable[[], datetime]) -> None:
        self.sid = sid
        self.texts: dict[str, Record] = {}
        self.legs: dict[str, Record] = {}
        self.opted_out: set[str] = set()
        self._clock = clock

    def clear(self) -> None:
        """Forgets everything."""
        self.texts.clear()
        self.legs.clear()
        self.opted_out.clear()

    def send(self, form: Mapping[str, list[str]]) -> Record:
        """`POST Messages.json`."""
        to, body = _one(form, "To"), _one(form, "Body")
        sender = _one(form, "From") or _one(form, "MessagingServiceSid")
        if not _is_number(to):
            raise Refused(400, f"[21211] Invalid 'To' Phone Number: {to}")
        if not sender:
            raise Refused(400, "[21603] A 'From' phone number is required.")
        if not body:
            raise Refused(400, "[21602] Message body is required.")
        if len(body) > LONGEST_BODY:
            raise Refused(400, "[21617] The concatenated message body exceeds the 1600 character limit")
        if to in self.opted_out:
            raise Refused(400, "[21610] Attempt to send to unsubscribed recipient")
        sid = _sid("SM")
        service = sender if sender.startswith("MG") else None
        self.texts[sid] = {
            **self._times(),
            "sid": sid,
            "account_sid": self.sid,
            "messaging_service_sid": service,
            "to": to,
            "from": None if service else sender,
            "body": body,
            "status": "accepted" if service else "queued",
            "direction": "outbound-api",
            "date_sent": None,
            "num_segments": "1",
            "num_media": "0",
            "error_code": None,
            "error_message": None,
            "price": None,
            "uri": self._uri("Messages", sid),
        }
        return self.texts[sid]

    def dial(self, form: Mapping[str, list[str]]) -> Record:
        """`POST Calls.json`."""
        to, sender = _one(form, "To"), _one(form, "From")
        if not (_is_number(to) or to.startswith("sip:")):
            raise Refused(400, f"[21211] Invalid 'To' Phone Number: {to}")
        if not _is_number(sender):
            raise Refused(400, "[21213] 'From' phone number is required.")
        if not (_one(form, "Url") or _one(form, "Twiml")):
            raise Refused(400, "[21205] Url parameter is required.")
        return self.leg(to=to, sender=sender, direction="outbound-api", status="queued")

    def leg(self, *, to: str, sender: str, direction: str, status: str, parent: str | None = None) -> Record:
        """A new leg of a call."""
        sid = _sid("CA")
        self.legs[sid] = {
            **self._times(),
            "sid": sid,
            "account_sid": self.sid,
            "parent_call_sid": parent,
            "to": to,
            "from": sender,
            "status": status,
            "direction": direction,
            "start_time": None,
            "end_time": None,
            "duration": None,
            "price": None,
            "uri": self._uri("Calls", sid),
        }
        return self.legs[sid]

    def text(self, sid: str) -> Record:
        """The text, else 404."""
        return _known(self.texts, sid)

    def call(self, sid: str) -> Record:
        """The leg, else 404."""
        return _known(self.legs, sid)

    def page_texts(self, query: Mapping[str, str], path: str) -> Record:
        """`GET Messages.json`: the newest first, by To and From."""
        return _page("messages", self.texts, {"To": "to", "From": "from"}, query, path)

    def page_legs(self, query: Mapping[str, str], path: str) -> Record:
        """`GET Calls.json`: the newest first, by To, From, Status and ParentCallSid."""
        names = {"To": "to", "From": "from", "Status": "status", "ParentCallSid": "parent_call_sid"}
        return _page("calls", self.legs, names, query, path)

    def _times(self) -> Record:
        at = format_datetime(self._clock().replace(microsecond=0))
        return {"date_created": at, "date_updated": at}

    def _uri(self, kind: str, sid: str) -> str:
        return f"/2010-04-01/Accounts/{self.sid}/{kind}/{sid}.json"


def form_of(body: bytes) -> dict[str, list[str]]:
    """A form's fields, each with its values in order."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def _page(
    name: str, records: Mapping[str, Record], filters: Mapping[str, str], query: Mapping[str, str], path: str
) -> Record:
    criteria = {filters[key]: value for key, value in query.items() if key in filters}
    rows = [one for one in records.values() if all(one[field] == value for field, value in criteria.items())][::-1]
    size, number = int(query.get("PageSize", DEFAULT_PAGE)), int(query.get("Page", 0))
    if not 1 <= size <= LARGEST_PAGE:
        raise Refused(400, "[20001] Page size must be from 1 to 1000")
    shown = rows[number * size : (number + 1) * size]
    following = None
    if len(rows) > (number + 1) * size:
        token = {"Page": str(number + 1), "PageToken": f"PA{shown[-1]['sid']}"}
        following = f"{path}?{urlencode({**query, **token})}"
    return {
        name: shown, "page": number, "page_size": size, "next_page_uri": following, "uri": path, "first_page_uri": path
    }  # fmt: skip


def _known(records: Mapping[str, Record], sid: str) -> Record:
    if sid not in records:
        raise Refused(404, f"[20404] The requested resource {sid} was not found")
    return records[sid]


def _one(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1]


def _is_number(text: str) -> bool:
    return text.startswith("+") and text[1:].isdecimal() and 8 <= len(text) <= 16


def _sid(prefix: str) -> str:
    return f"{prefix}{uuid4().hex}"
