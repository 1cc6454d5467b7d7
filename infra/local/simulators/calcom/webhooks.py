"""Webhooks of the simulated Cal.com: who subscribed, what the bodies look like, and their delivery."""

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import requests

from chalicelib.vendors.calcom.webhook import sign
from infra.local.simulators.calcom.bookings import Booking
from infra.local.simulators.exchange import Refused

TRIGGERS = (
    "BOOKING_CREATED",
    "BOOKING_REQUESTED",
    "BOOKING_RESCHEDULED",
    "BOOKING_CANCELLED",
    "BOOKING_REJECTED",
    "BOOKING_NO_SHOW_UPDATED",
)
"""Those that this simulator can send; a subscription may name others."""


class Subscription(msgspec.Struct, kw_only=True, rename="camel"):
    """A row of `/v2/webhooks`."""

    id: str
    subscriber_url: str
    triggers: list[str]
    active: bool = True
    secret: str | None = None
    payload_template: str | None = None
    user_id: int = 1


class Delivery(msgspec.Struct, kw_only=True):
    """One attempt: like Cal.com, exactly one per event and subscription, whatever the answer."""

    trigger: str
    url: str
    body: str
    headers: dict[str, str]
    status: int | None = None
    error: str | None = None


class Webhooks:
    """Sends each event once to every active subscription, `delay_seconds` later, each in a thread of its own."""

    def __init__(self, stopping: threading.Event, delay_seconds: float) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.deliveries: list[Delivery] = []
        self.delay_seconds = delay_seconds
        self._stopping = stopping
        self._threads: list[threading.Thread] = []
        self._made = 0

    def subscribe(self, body: Any) -> Subscription:
        """`POST /v2/webhooks` {active, subscriberUrl, triggers, secret?, payloadTemplate?, version?}."""
        self._made += 1
        identifier = f"webhook-{self._made}"
        fields = {**body, "id": identifier} if isinstance(body, dict) else body
        self.subscriptions[identifier] = msgspec.convert(fields, Subscription)
        return self.subscriptions[identifier]

    def change(self, identifier: str, body: Any) -> Subscription:
        """`PATCH /v2/webhooks/{id}`."""
        merged = {**msgspec.to_builtins(self.get(identifier)), **body, "id": identifier}
        self.subscriptions[identifier] = msgspec.convert(merged, Subscription)
        return self.subscriptions[identifier]

    def get(self, identifier: str) -> Subscription:
        """The subscription, else Refused 404."""
        if identifier not in self.subscriptions:
            raise Refused(404, f"Webhook with id={identifier} not found")
        return self.subscriptions[identifier]

    def remove(self, identifier: str) -> Subscription:
        """The subscription that is no more, else Refused 404."""
        self.get(identifier)
        return self.subscriptions.pop(identifier)

    def publish(self, trigger: str, created_at: str, payload: Mapping[str, Any]) -> None:
        """Sends the event in the background."""
        raw = msgspec.json.encode({"triggerEvent": trigger, "createdAt": created_at, "payload": payload})
        for one in self.subscriptions.values():
            if one.active and trigger in one.triggers:
                headers = {
                    "Content-Type": "application/json",
                    "X-Cal-Signature-256": sign(raw, one.secret) if one.secret else "no-secret-provided",
                    "X-Cal-Webhook-Version": "2021-10-20",
                }
                self._send(Delivery(trigger=trigger, url=one.subscriber_url, body=raw.decode(), headers=headers))

    def replay(self, index: int) -> None:
        """Sends a past delivery again, the same bytes; raises Refused 404."""
        if not -len(self.deliveries) <= index < len(self.deliveries):
            raise Refused(404, f"There is no delivery {index}")
        old = self.deliveries[index]
        self._send(Delivery(trigger=old.trigger, url=old.url, body=old.body, headers=old.headers))

    def settle(self, timeout_seconds: float = 5.0) -> None:
        """Waits until everything published so far has been delivered."""
        for thread in self._threads:
            thread.join(timeout_seconds)
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def _send(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        thread = threading.Thread(target=self._deliver, args=(delivery, self.delay_seconds), daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def _deliver(self, delivery: Delivery, delay_seconds: float) -> None:
        if self._stopping.wait(delay_seconds):
            return
        try:
            answer = requests.post(
                delivery.url, data=delivery.body.encode(), headers=delivery.headers, timeout=10, allow_redirects=False
            )
            delivery.status = answer.status_code
        except requests.RequestException as error:
            delivery.error = type(error).__name__


def payload(booking: Booking, trigger: str, *, old: Booking | None = None, reason: str | None = None) -> dict[str, Any]:
    """What the documentation shows for each trigger: cancelled and rejected come without `metadata`."""
    if trigger == "BOOKING_NO_SHOW_UPDATED":
        return _no_show(booking)
    body = _booking(booking)
    if trigger == "BOOKING_CANCELLED":
        times = {name: body[name].replace("Z", "+00:00") for name in ("startTime", "endTime")}
        return {**body, **times, "cancellationReason": reason or "", "requestReschedule": False}
    if trigger == "BOOKING_REJECTED":
        return {**body, "rejectionReason": reason or ""}
    body["metadata"] = {"videoCallUrl": f"https://app.cal.example/video/{booking['uid']}", **booking["metadata"]}
    if old is not None:
        body |= {"rescheduleId": old["id"], "rescheduleUid": old["uid"]}
        body |= {"rescheduleStartTime": _whole(old["start"]), "rescheduleEndTime": _whole(old["end"])}
    return body


def _booking(booking: Booking) -> dict[str, Any]:
    host = booking["hosts"][0]
    return {
        "bookerUrl": "https://app.cal.example",
        "title": booking["title"],
        "type": booking["eventType"]["slug"],
        "description": booking["description"],
        "additionalNotes": "",
        "startTime": _whole(booking["start"]),
        "endTime": _whole(booking["end"]),
        "length": booking["duration"],
        "eventTypeId": booking["eventTypeId"],
        "eventTitle": booking["title"],
        "bookingId": booking["id"],
        "uid": booking["uid"],
        "status": booking["status"].upper(),
        "location": booking["location"],
        "organizer": {**host, "language": {"locale": "en"}, "timeFormat": "h:mma", "utcOffset": 0},
        "attendees": [_attendee(one) for one in booking["attendees"]],
        "responses": {
            name: {"label": name, "value": value, "isHidden": False}
            for name, value in booking["bookingFieldsResponses"].items()
        },
        "userFieldsResponses": {},
        "customInputs": {},
        "destinationCalendar": None,
        "iCalUID": booking["icsUid"],
        "iCalSequence": 0,
        "seatsPerTimeSlot": None,
        "requiresConfirmation": False,
        "price": 0,
        "currency": "usd",
    }


def _no_show(booking: Booking) -> dict[str, Any]:
    attendees = [{"email": one["email"], "noShow": one["absent"]} for one in booking["attendees"]]
    marked = "marked" if any(one["noShow"] for one in attendees) else "unmarked"
    message = f"{', '.join(one['email'] for one in attendees)} {marked} as no-show"
    return {"message": message, "attendees": attendees, "bookingUid": booking["uid"], "bookingId": booking["id"]}


def _attendee(attendee: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": attendee["name"],
        "email": attendee["email"],
        "timeZone": attendee["timeZone"],
        "phoneNumber": attendee.get("phoneNumber"),
        "language": {"locale": attendee["language"]},
        "utcOffset": 0,
    }


def _whole(text: str) -> str:
    """Webhooks show whole seconds where the API shows milliseconds."""
    return text.replace(".000Z", "Z")
