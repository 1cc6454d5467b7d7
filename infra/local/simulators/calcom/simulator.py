"""Cal.com's API v2 as a fake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from chalicelib.core.clock import now
from infra.local.simulators.calcom import listing
from infra.local.simulators.calcom.bookings import Bookings, Rules, instant, iso_millis
from infra.local.simulators.calcom.event_types import EventType, event_type_from_json
from infra.local.simulators.calcom.older import older_answer
from infra.local.simulators.calcom.people import People
from infra.local.simulators.calcom.webhooks import TRIGGERS, Subscription, Webhooks, payload
from infra.local.simulators.exchange import Refused, Reply, Request, Route
from infra.local.simulators.server import Simulator

VERSIONS = {"/v2/bookings": "2024-08-13", "/v2/slots": "2024-09-04", "/v2/event-types": "2024-06-14"}
WINDOW_SECONDS = 60
DEFAULT_LIMIT = 120
EXCEPTION_NAMES = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    404: "NotFoundException",
    409: "ConflictException",
    422: "UnprocessableEntityException",
    429: "CustomThrottlerGuard",
}


@dataclass(frozen=True)
class Hook:
    """Who is subscribed to every trigger from the start, if anyone, and how long every webhook takes."""

    url: str | None = None
    secret: str | None = None
    delay_seconds: float = 2.0


class CalComSimulator(Simulator):
    """One Cal.com account. `rate_limit`: requests a minute, enforced only if set."""

    rate_limit: int | None = None

    def __init__(
        self,
        api_key: str = "cal_test_key",
        *,
        event_types: Sequence[EventType] = (),
        hook: Hook = Hook(),
        rules: Rules = Rules(),
        state_file: Path | None = None,
    ) -> None:
        super().__init__(state_file)
        self.api_key = api_key
        self.bookings = Bookings(now, rules)
        self.people = People(self.bookings)
        self.webhooks = Webhooks(self.stopping, hook.delay_seconds)
        self._seed = (tuple(event_types), hook)
        self._window = (monotonic(), 0)
        self.clear()

    def clear(self) -> None:
        """Back to the event types and the subscription it was made with; no bookings."""
        event_types, hook = self._seed
        self.bookings.all.clear()
        self.bookings.event_types = {kind.id: kind for kind in event_types}
        self.webhooks.subscriptions.clear()
        self.webhooks.deliveries.clear()
        if hook.url:
            self.webhooks.subscribe({"subscriberUrl": hook.url, "secret": hook.secret, "triggers": list(TRIGGERS)})

    def snapshot(self) -> Any:
        """Event types, bookings and subscriptions."""
        return {
            "eventTypes": list(self.bookings.event_types.values()),
            "bookings": list(self.bookings.all.values()),
            "webhooks": list(self.webhooks.subscriptions.values()),
        }

    def restore(self, state: Any) -> None:
        """The inverse of `snapshot`; what the constructor names stays, since its URLs and secrets may be newer."""
        for kind in msgspec.convert(state["eventTypes"], list[EventType]):
            self.bookings.event_types.setdefault(kind.id, kind)
        self.bookings.all.update({one["uid"]: one for one in state["bookings"]})
        for one in msgspec.convert(state["webhooks"], list[Subscription]):
            self.webhooks.subscriptions.setdefault(one.id, one)

    def routes(self) -> Sequence[Route]:
        """The documented endpoints."""
        return (
            Route("POST", "/v2/bookings", self._create),
            Route("GET", "/v2/bookings", self._list),
            Route("GET", "/v2/bookings/{uid}", lambda request, uid: _success(self.bookings.get(uid))),
            Route("POST", "/v2/bookings/{uid}/reschedule", self._reschedule),
            Route("POST", "/v2/bookings/{uid}/cancel", self._cancel),
            Route("POST", "/v2/bookings/{uid}/confirm", self._confirm),
            Route("POST", "/v2/bookings/{uid}/decline", self._decline),
            Route("POST", "/v2/bookings/{uid}/mark-absent", self._mark_absent),
            Route("GET", "/v2/slots", self._slots),
            Route("GET", "/v2/event-types", self._event_types),
            Route("GET", "/v2/me", self._me),
            *self.people.routes(),
            Route("GET", "/v2/webhooks", lambda request: _success(list(self.webhooks.subscriptions.values()))),
            Route("POST", "/v2/webhooks", lambda request: _success(self.webhooks.subscribe(request.json()), 201)),
            Route("GET", "/v2/webhooks/{id}", lambda request, id: _success(self.webhooks.get(id))),
            Route("PATCH", "/v2/webhooks/{id}", lambda request, id: _success(self.webhooks.change(id, request.json()))),
            Route("DELETE", "/v2/webhooks/{id}", lambda request, id: _success(self.webhooks.remove(id))),
        )

    def control_routes(self) -> Sequence[Route]:
        """Looking inside, seeding, and webhooks that come again or late."""
        return (
            Route("GET", "/_sim/bookings", lambda request: Reply(200, {"data": list(self.bookings.all.values())})),
            Route("GET", "/_sim/deliveries", lambda request: Reply(200, {"data": self.webhooks.deliveries})),
            Route("POST", "/_sim/event-types", self._seed_event_type),
            Route("POST", "/_sim/replay", self._replay),
            Route("POST", "/_sim/webhook-delay", self._delay_webhooks),
        )

    def admit(self, request: Request) -> None:
        """Bearer key and rate limit. Booking, moving and cancelling work without a key; a wrong key never does."""
        self._count()
        given = request.headers.get("authorization")
        public = request.method == "POST" and (
            request.path == "/v2/bookings" or request.path.endswith(("/reschedule", "/cancel"))
        )
        if given is None and (public or request.path == "/v2/slots"):
            return
        if given != f"Bearer {self.api_key}":
            raise Refused(401, "ApiAuthStrategy - api key - Invalid API Key" if given else "No auth method provided")

    def error_body(self, request: Request, status: int, message: str) -> Any:
        """The envelope of `http-exception.filter.ts`."""
        error = {"code": EXCEPTION_NAMES.get(status, "InternalServerErrorException"), "message": message}
        envelope = {"status": "error", "timestamp": iso_millis(now()), "path": request.path}
        return {**envelope, "error": {**error, "details": {"message": message, "statusCode": status}}}

    def extra_headers(self, status: int) -> dict[str, str]:
        """The rate limit; Reset is in seconds. No Retry-After, as in Cal.com's code."""
        since, count = self._window
        limit = self.rate_limit or DEFAULT_LIMIT
        return {
            "X-RateLimit-Limit-Default": str(limit),
            "X-RateLimit-Remaining-Default": "0" if status == 429 else str(max(limit - count, 0)),
            "X-RateLimit-Reset-Default": str(max(1, round(since + WINDOW_SECONDS - monotonic()))),
        }

    def _dispatch(self, request: Request, routes: Sequence[Route]) -> Reply:
        for prefix, version in VERSIONS.items():
            if request.path.startswith(prefix) and request.headers.get("cal-api-version") != version:
                return older_answer(self, request)
        return super()._dispatch(request, routes)

    def _count(self) -> None:
        since, count = self._window
        if monotonic() - since >= WINDOW_SECONDS:
            since, count = monotonic(), 0
        self._window = (since, count + 1)
        if self.rate_limit is not None and count >= self.rate_limit:
            raise Refused(429, "CustomThrottlerGuard - Too many requests. Please try again later.")

    def _create(self, request: Request) -> Reply:
        booking = self.bookings.create(request.json())
        pending = booking["status"] == "pending"
        self._publish("BOOKING_REQUESTED" if pending else "BOOKING_CREATED", booking)
        return _success(booking, 201)

    def _list(self, request: Request) -> Reply:
        return Reply(200, listing.page(self.bookings.all.values(), request.query, now()))

    def _reschedule(self, request: Request, uid: str) -> Reply:
        old, new = self.bookings.reschedule(uid, request.json())
        self._publish("BOOKING_RESCHEDULED", new, old=old)
        return _success(new, 201)

    def _cancel(self, request: Request, uid: str) -> Reply:
        booking = self.bookings.cancel(uid, request.json())
        self._publish("BOOKING_CANCELLED", booking, reason=booking.get("cancellationReason"))
        return _success(booking)

    def _confirm(self, request: Request, uid: str) -> Reply:
        booking = self.bookings.confirm(uid)
        self._publish("BOOKING_CREATED", booking)
        return _success(booking)

    def _decline(self, request: Request, uid: str) -> Reply:
        reason = request.json().get("reason")
        booking = self.bookings.decline(uid, reason)
        self._publish("BOOKING_REJECTED", booking, reason=reason)
        return _success(booking)

    def _mark_absent(self, request: Request, uid: str) -> Reply:
        booking = self.bookings.mark_absent(uid, request.json())
        self._publish("BOOKING_NO_SHOW_UPDATED", booking)
        return _success(booking)

    def _publish(self, trigger: str, booking: dict[str, Any], **more: Any) -> None:
        self.webhooks.publish(trigger, booking["updatedAt"], payload(booking, trigger, **more))

    def _slots(self, request: Request) -> Reply:
        query = request.query
        kind = self.bookings.event_types.get(int(query.get("eventTypeId", "0")))
        if kind is None:
            raise Refused(404, "Event type not found")
        zone = ZoneInfo(query.get("timeZone", "UTC"))
        since, until = _bound(query.get("start"), "start"), _bound(query.get("end"), "end")
        minutes = int(query.get("duration", kind.length_in_minutes))
        days: dict[str, list[dict[str, str]]] = {}
        for start, end in self.bookings.free(kind, since, until, minutes):
            local = start.astimezone(zone)
            slot = {"start": local.isoformat(timespec="milliseconds")}
            if query.get("format") == "range":
                slot["end"] = end.astimezone(zone).isoformat(timespec="milliseconds")
            days.setdefault(local.date().isoformat(), []).append(slot)
        return _success(days)

    def _event_types(self, request: Request) -> Reply:
        return _success(self.people.own_event_types())

    def _me(self, request: Request) -> Reply:
        return _success({"id": 1, "username": "owner", "email": "owner@example.com", "name": None, "timeZone": "UTC"})

    def _seed_event_type(self, request: Request) -> Reply:
        kind = event_type_from_json(request.json())
        self.bookings.event_types[kind.id] = kind
        return Reply(201, {"data": kind})

    def _replay(self, request: Request) -> Reply:
        self.webhooks.replay(int(request.json().get("index", -1)))
        return Reply(204)

    def _delay_webhooks(self, request: Request) -> Reply:
        self.webhooks.delay_seconds = float(request.json()["seconds"])
        return Reply(204)


def _success(data: Any, status: int = 200) -> Reply:
    return Reply(status, {"status": "success", "data": data})


def _bound(text: str | None, name: str) -> datetime:
    """A date (its end, for `end`) or an instant, in UTC."""
    if text is not None and len(text) == 10:
        whole_day = timedelta(days=1) if name == "end" else timedelta(0)
        return instant(f"{text}T00:00:00Z", name) + whole_day
    return instant(text, name)
