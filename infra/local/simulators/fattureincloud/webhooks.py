"""Webhooks of the simulated Fatture in Cloud: subscriptions, the handshake of a sink, signed notifications, retries."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import requests

from chalicelib.vendors.fattureincloud.webhook import CHALLENGE, ISSUER, PREFIX, SUBJECTS, WELCOME
from infra.local.simulators.exchange import Refused
from infra.local.simulators.fattureincloud.signer import Signer

ATTEMPTS = 4
SUCCESS = {102, 200, 201, 202, 204}
MOST_VERIFICATIONS = 5
EXPIRY = timedelta(days=10)
TIMEOUT_SECONDS = 5.0
_ENTITIES = ("entities.clients", "entities.suppliers")
_DOCUMENTS = tuple(
    f"issued_documents.{name}"
    for name in (
        *("invoices", "quotes", "proformas", "receipts", "delivery_notes", "credit_notes", "orders", "work_reports"),
        *("supplier_orders", "self_supplier_invoices", "self_own_invoices"),
    )
)
_GROUPS = {"entities.all": _ENTITIES, "issued_documents.all": _DOCUMENTS}
TYPES = frozenset(
    f"{PREFIX}{name}.{action}"
    for names, actions in (
        (_ENTITIES, ("create", "update", "delete")),
        (_DOCUMENTS, ("create", "update", "delete", "email_sent")),
        (("issued_documents.e_invoices",), ("status_update",)),
        (("received_documents", "receipts", "taxes", "products", "cashbook"), ("create", "update", "delete")),
    )
    for name in names
    for action in actions
)


class Subscription(msgspec.Struct, kw_only=True):
    """Who is told of what; the API shows neither `company_id` nor what follows `config`."""

    id: str
    sink: str
    types: list[str]
    verified: bool = False
    config: dict[str, str] = {}
    company_id: int
    method: str = "header"
    verifications: int = 0
    expires_at: datetime | None = None

    def shown(self) -> dict[str, Any]:
        """As the API answers it."""
        names = ("id", "sink", "types", "verified", "config")
        return {name: getattr(self, name) for name in names}


class Delivery(msgspec.Struct, kw_only=True):
    """A notification to one sink: each attempt's status (None: no answer)."""

    id: str
    type: str
    time: str
    sink: str
    subscription_id: str
    body: str
    headers: dict[str, str]
    attempts: list[int | None] = []


class Webhooks:
    """Subscriptions of every company, and what was sent to them. Handlers run under the simulator's lock."""

    def __init__(
        self, signer: Signer, stopping: threading.Event, delay_seconds: float, clock: Callable[[], datetime]
    ) -> None:
        self.signer = signer
        self.subscriptions: dict[str, Subscription] = {}
        self.deliveries: list[Delivery] = []
        self.delay_seconds = delay_seconds
        self.retry_seconds = 1.0
        self._stopping = stopping
        self._clock = clock
        self._threads: list[threading.Thread] = []
        self._made = 0

    def clear(self) -> None:
        """No subscriptions, nothing sent."""
        self.subscriptions.clear()
        self.deliveries.clear()

    def of(self, company_id: int) -> list[Subscription]:
        """A company's subscriptions."""
        return [one for one in self.subscriptions.values() if one.company_id == company_id]

    def get(self, company_id: int, identifier: str) -> Subscription:
        """The subscription; Refused 404."""
        found = self.subscriptions.get(identifier)
        if found is None or found.company_id != company_id:
            raise Refused(404, "The requested resource was not found.")
        return found

    def create(self, company_id: int, data: Any) -> tuple[Subscription | None, list[str]]:
        """What was made, and a warning for each type that is subscribed to already."""
        sink, requested = str(data.get("sink") or ""), _expanded(data.get("types") or [])
        if not sink.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise Refused(422, "The sink must be a valid HTTPS URL.")
        taken = {name for one in self.of(company_id) for name in one.types}
        warnings = [
            f"The '{name}' event is already registered for this application" for name in requested if name in taken
        ]
        types = [name for name in requested if name not in taken]
        if not types:
            return None, warnings
        self._made += 1
        one = Subscription(
            id=f"SUB{100 + self._made}",
            sink=sink,
            types=types,
            config=data.get("config") or {"mapping": "binary"},
            company_id=company_id,
            method=data.get("verification_method") or "header",
        )
        self.subscriptions[one.id] = one
        self._start(lambda: self._verify(one))
        return one, warnings

    def change(self, company_id: int, identifier: str, data: Any) -> Subscription:
        """Other types, or another sink, which has to be verified anew."""
        one = self.get(company_id, identifier)
        if "types" in data:
            one.types = _expanded(data["types"])
        if data.get("sink", one.sink) != one.sink:
            one.sink, one.verified = data["sink"], False
            self._start(lambda: self._verify(one))
        return one

    def verify(self, company_id: int, identifier: str, data: Any) -> None:
        """Send the challenge once more, five times in all; Refused 400."""
        one = self.get(company_id, identifier)
        if one.verifications >= MOST_VERIFICATIONS:
            raise Refused(400, "Too many verification attempts.")
        one.method = data.get("verification_method") or one.method
        self._start(lambda: self._verify(one))

    def remove(self, company_id: int, identifier: str) -> None:
        """It is gone; Refused 404."""
        del self.subscriptions[self.get(company_id, identifier).id]

    def tell(self, company_id: int, resource: str, action: str, ids: Sequence[int]) -> None:
        """Notify whoever subscribed to what became of these records."""
        self.notify(company_id, f"{PREFIX}{SUBJECTS[resource]}.{action}", ids)  # type: ignore[index]

    def notify(
        self, company_id: int, kind: str, ids: Sequence[int], *, event_id: str | None = None, time: str | None = None
    ) -> None:
        """Send any event, also one with an id or a time of before."""
        event_id = event_id or f"198:{uuid4()}"
        time = time or self._clock().astimezone().isoformat(timespec="seconds")
        for one in self.of(company_id):
            if one.verified and kind in one.types:
                self._send(one, kind, event_id, time, {"ids": list(ids)})

    def replay(self, index: int) -> None:
        """Send a past delivery again, the same bytes and token; Refused 404."""
        if not -len(self.deliveries) <= index < len(self.deliveries):
            raise Refused(404, f"There is no delivery {index}")
        again = msgspec.structs.replace(self.deliveries[index], attempts=[])
        self.deliveries.append(again)
        self._start(lambda: self._deliver(again))

    def settle(self, timeout_seconds: float = 10.0) -> None:
        """Wait until everything begun so far has been delivered, or given up."""
        while self._threads:
            thread = self._threads.pop(0)
            thread.join(timeout_seconds)

    def _send(self, one: Subscription, kind: str, event_id: str, time: str, data: Any) -> None:
        subject = f"company:{one.company_id}"
        token = self.signer.token(event_id, subject, one.sink, self._clock())
        headers = {"User-Agent": "FattureInCloud/API-WEBHOOK", "Authorization": f"Bearer {token}"}
        event = {"type": kind, "time": time, "subject": subject, "specversion": "1.0", "source": ISSUER, "id": event_id}
        body: Any = {"data": data}
        if one.config.get("mapping") == "structured":
            headers["Content-Type"] = "application/cloudevents+json"
            body = {**event, "datacontenttype": "application/json", "data": data}
        else:
            headers |= {"Content-Type": "application/json", **{f"ce-{name}": value for name, value in event.items()}}
        made = Delivery(
            id=event_id,
            type=kind,
            time=time,
            sink=one.sink,
            subscription_id=one.id,
            body=msgspec.json.encode(body).decode(),
            headers=headers,
            attempts=[],
        )
        self.deliveries.append(made)
        self._start(lambda: self._deliver(made))

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _deliver(self, delivery: Delivery) -> None:
        """As FIC does: 5xx and silence are tried again with growing gaps, anything else is not; 410 ends it all."""
        for attempt in range(ATTEMPTS):
            wait = self.delay_seconds if not attempt else self.retry_seconds * 2 ** (attempt - 1)
            if self._stopping.wait(wait):
                return
            status = _post(delivery)
            delivery.attempts.append(status)
            one = self.subscriptions.get(delivery.subscription_id)
            if status in SUCCESS:
                if one:
                    one.expires_at = None
                return
            if status == 410:
                self.subscriptions.pop(delivery.subscription_id, None)
            if status is not None and status < 500:
                break
        self._failed(delivery.subscription_id)

    def _failed(self, identifier: str) -> None:
        one, now = self.subscriptions.get(identifier), self._clock()
        if one is None:
            return
        if one.expires_at and one.expires_at <= now:
            self.subscriptions.pop(identifier, None)
        one.expires_at = one.expires_at or now + EXPIRY

    def _verify(self, one: Subscription) -> None:
        one.verifications += 1
        challenge = uuid4().hex + uuid4().hex
        token = self.signer.token(f"198:{uuid4()}", f"company:{one.company_id}", one.sink, self._clock())
        headers = {"User-Agent": "FattureInCloud/API-WEBHOOK", "Authorization": f"Bearer {token}"}
        url = one.sink
        if one.method == "query":
            url += f"?{urlencode({CHALLENGE: challenge})}"
        else:
            headers[CHALLENGE] = challenge
        if self._stopping.wait(self.delay_seconds) or not _answers(url, headers, challenge):
            return
        one.verified = True
        time = self._clock().astimezone().isoformat(timespec="seconds")
        self._send(one, WELCOME, f"198:{uuid4()}", time, {"ids": []})


def _expanded(types: Sequence[str]) -> list[str]:
    """Groups are spelled out; Refused 422 for a type that there is not."""
    found: list[str] = []
    for name in types:
        group, _, action = name.removeprefix(PREFIX).rpartition(".")
        found += [f"{PREFIX}{each}.{action}" for each in _GROUPS.get(group, (group,))]
    unknown = [name for name in found if name not in TYPES]
    if unknown or not found:
        raise Refused(422, f"The selected types are invalid: {', '.join(unknown)}")
    return list(dict.fromkeys(found))


def _post(delivery: Delivery) -> int | None:
    try:
        return requests.post(
            delivery.sink,
            data=delivery.body.encode(),
            headers=delivery.headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        ).status_code
    except requests.RequestException:
        return None


def _answers(url: str, headers: Mapping[str, str], challenge: str) -> bool:
    try:
        answer = requests.get(url, headers=dict(headers), timeout=TIMEOUT_SECONDS, allow_redirects=False)
        return answer.status_code == 200 and bool(answer.json() == {"verification": challenge})
    except (requests.RequestException, ValueError, AttributeError):
        return False
