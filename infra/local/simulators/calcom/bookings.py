"""The bookings of the simulated Cal.com account and the rules by which they change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.local.simulators.calcom.event_types import EventType, Host
from infra.local.simulators.exchange import Refused

Booking = dict[str, Any]
"""In the shape of the API's 2024-08-13 version."""

CREATE_FIELDS = frozenset(
    {
        *("start", "attendee", "guests", "location", "metadata", "lengthInMinutes", "bookingFieldsResponses"),
        *("eventTypeId", "eventTypeSlug", "username", "teamSlug", "organizationSlug"),
        *("routing", "emailVerificationCode", "instant", "recurrenceCount"),
    }
)
ATTENDEE_FIELDS = frozenset({"name", "timeZone", "email", "phoneNumber", "language"})
TAKEN_ONE = "User either already has booking at this time or is not available"
TAKEN_MANY = "One of the hosts either already has booking at this time or is not available"


@dataclass(frozen=True)
class Rules:
    """What an installation decides: 400 as in Cal.com's code, or 409, and whether bookings before now are refused."""

    slot_taken_status: int = 400
    refuse_past: bool = True


class Bookings:
    """What was booked, by what rules; methods raise Refused."""

    def __init__(self, clock: Callable[[], datetime], rules: Rules) -> None:
        self.event_types: dict[int, EventType] = {}
        self.all: dict[str, Booking] = {}
        self.rules = rules
        self._clock = clock
        self._last_change = datetime(2000, 1, 1, tzinfo=UTC)

    def get(self, uid: str) -> Booking:
        """The booking, else 404."""
        if uid not in self.all:
            raise Refused(404, f"Booking with uid={uid} was not found in the database")
        return self.all[uid]

    def create(self, body: Any) -> Booking:
        """`POST /v2/bookings`. Unknown fields are refused, so that a client that invents some is found out."""
        _only(body, CREATE_FIELDS)
        attendee = _attendee(body.get("attendee"))
        _check_metadata(body.get("metadata") or {})
        if not isinstance(body.get("location") or {}, dict):
            raise Refused(400, "location must be an object")
        kind = self._event_type(body)
        minutes = body.get("lengthInMinutes") or kind.length_in_minutes
        if minutes not in (kind.length_in_minutes, *kind.length_in_minutes_options):
            raise Refused(400, f"lengthInMinutes {minutes} is not one of the event type's options")
        start = self._bookable(body.get("start"))
        host = self._free_host(kind, start, start + timedelta(minutes=minutes))
        booking = self._new(kind, host, start, minutes, attendee)
        booking["metadata"] = dict(body.get("metadata") or {})
        booking["guests"] = body.get("guests") or []
        booking["attendees"] += [_guest(email) for email in booking["guests"]]
        booking["location"] = (body.get("location") or {}).get("type", "integrations:daily")
        responses = {"name": attendee["name"], "email": attendee["email"], **(body.get("bookingFieldsResponses") or {})}
        booking["bookingFieldsResponses"] = responses
        return booking

    def reschedule(self, uid: str, body: Any) -> tuple[Booking, Booking]:
        """(old, new): the new booking has another uid and id, the old one is cancelled."""
        _only(body, {"start", "rescheduledBy", "reschedulingReason", "seatUid"})
        old = self.get(uid)
        if old["status"] == "cancelled":
            raise Refused(
                400,
                f"Can't reschedule booking with uid={uid} because it has been cancelled. "
                "Please provide uid of a booking that is not cancelled.",
            )
        kind = self.event_types[old["eventTypeId"]]
        start = self._bookable(body.get("start"))
        host = self._free_host(kind, start, start + timedelta(minutes=old["duration"]), moving=uid)
        new = self._new(kind, host, start, old["duration"], old["attendees"][0])
        new["attendees"] = [{**one, "absent": False} for one in old["attendees"]]
        for kept in ("metadata", "guests", "location", "bookingFieldsResponses"):
            new[kept] = old[kept]
        new["rescheduledFromUid"] = uid
        new["reschedulingReason"] = body.get("reschedulingReason")
        new["icsUid"] = old["icsUid"]
        self.touch(old, status="cancelled", rescheduledToUid=new["uid"], reschedulingReason=new["reschedulingReason"])
        return old, new

    def cancel(self, uid: str, body: Any) -> Booking:
        """`POST …/cancel`; a second time is refused."""
        _only(body, {"cancellationReason", "cancelSubsequentBookings", "seatUid"})
        booking = self.get(uid)
        if booking["status"] == "cancelled":
            raise Refused(
                400,
                f"Can't cancel booking with uid={uid} because it has been cancelled already. "
                "Please provide uid of a booking that is not cancelled.",
            )
        return self.touch(booking, status="cancelled", cancellationReason=body.get("cancellationReason"))

    def confirm(self, uid: str) -> Booking:
        """`POST …/confirm`: only what is pending."""
        return self.touch(self._pending(uid), status="accepted")

    def decline(self, uid: str, reason: str | None) -> Booking:
        """`POST …/decline`: only what is pending. The API has no field for the reason; the webhook carries it."""
        return self.touch(self._pending(uid), status="rejected")

    def mark_absent(self, uid: str, body: Any) -> Booking:
        """`POST …/mark-absent` {host?, attendees?: [{email, absent}]}."""
        _only(body, {"host", "attendees"})
        booking = self.get(uid)
        absent = {one["email"]: bool(one["absent"]) for one in body.get("attendees") or []}
        for attendee in booking["attendees"]:
            attendee["absent"] = absent.get(attendee["email"], attendee["absent"])
        return self.touch(booking, absentHost=bool(body.get("host", booking["absentHost"])))

    def free(
        self, kind: EventType, since: datetime, until: datetime, minutes: int
    ) -> Iterator[tuple[datetime, datetime]]:
        """Bookable (start, end) pairs in the future."""
        taken = list(self._taken())
        for start, end in kind.starts(since, until, minutes):
            if start > self._clock() and kind.free_host(start, end, taken):
                yield start, end

    def _event_type(self, body: Any) -> EventType:
        number, slug = body.get("eventTypeId"), body.get("eventTypeSlug")
        for kind in self.event_types.values():
            if kind.id == number or (number is None and slug is not None and kind.slug == slug):
                return kind
        raise Refused(404, f"Event type with id {number or slug} not found.")

    def _bookable(self, text: Any) -> datetime:
        start = instant(text, "start")
        if self.rules.refuse_past and start <= self._clock():
            raise Refused(400, "Attempting to book a meeting in the past.")
        return start

    def _free_host(self, kind: EventType, start: datetime, end: datetime, moving: str | None = None) -> Host:
        host = kind.free_host(start, end, self._taken(moving))
        if host is None:
            raise Refused(self.rules.slot_taken_status, TAKEN_ONE if len(kind.hosts) == 1 else TAKEN_MANY)
        return host

    def _taken(self, moving: str | None = None) -> Iterator[tuple[int, datetime, datetime]]:
        for uid, one in self.all.items():
            if one["status"] in ("accepted", "pending") and uid != moving:
                yield one["hosts"][0]["id"], instant(one["start"], "start"), instant(one["end"], "end")

    def _new(self, kind: EventType, host: Host, start: datetime, minutes: int, attendee: dict[str, Any]) -> Booking:
        uid = uuid4().hex[:22]
        changed = iso_millis(self._tick())
        booking: Booking = {
            "id": 1000 + len(self.all),
            "uid": uid,
            "title": f"{kind.title} between {host.name} and {attendee['name']}",
            "description": "",
            "hosts": [
                {"id": host.id, "name": host.name, "email": host.email, "username": host.username}
                | {"timeZone": host.time_zone}
            ],
            "status": "pending" if kind.requires_confirmation else "accepted",
            "start": iso_millis(start),
            "end": iso_millis(start + timedelta(minutes=minutes)),
            "duration": minutes,
            "eventTypeId": kind.id,
            "eventType": {"id": kind.id, "slug": kind.slug},
            "absentHost": False,
            "createdAt": changed,
            "updatedAt": changed,
            "icsUid": f"{uid}@cal.example",
            "attendees": [{**attendee, "absent": False}],
        }
        self.all[uid] = booking
        return booking

    def _pending(self, uid: str) -> Booking:
        booking = self.get(uid)
        if booking["status"] != "pending":
            raise Refused(400, f"Booking with uid={uid} is not pending, it is {booking['status']}.")
        return booking

    def touch(self, booking: Booking, **changes: Any) -> Booking:
        """Change fields of a booking, which moves its `updatedAt`."""
        booking.update({name: value for name, value in changes.items() if value is not None})
        booking["updatedAt"] = iso_millis(self._tick())
        return booking

    def _tick(self) -> datetime:
        """The clock in whole milliseconds, but later than at the last change: `updatedAt` orders what happened."""
        read = self._clock()
        now = read.replace(microsecond=read.microsecond // 1000 * 1000)
        self._last_change = max(now, self._last_change + timedelta(milliseconds=1))
        return self._last_change


def instant(text: Any, name: str) -> datetime:
    """An ISO 8601 time in UTC; Refused otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Refused(400, f"{name} must be a valid ISO 8601 date string") from None
    if moment.utcoffset() != timedelta(0):
        raise Refused(400, f"{name} must be in UTC")
    return moment.astimezone(UTC)


def iso_millis(moment: datetime) -> str:
    """As the API writes it: `2050-09-05T09:00:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _only(body: Any, known: Any) -> None:
    if not isinstance(body, dict):
        raise Refused(400, "The body must be an object")
    for name in body:
        if name not in known:
            raise Refused(400, f"property {name} should not exist")


def _attendee(value: Any) -> dict[str, Any]:
    _only(value if value is not None else [], ATTENDEE_FIELDS)
    for name in ("name", "timeZone"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise Refused(400, f"attendee.{name} must be a string")
    try:
        ZoneInfo(value["timeZone"])
    except (ValueError, ZoneInfoNotFoundError):
        raise Refused(400, "attendee.timeZone must be a valid IANA time-zone") from None
    phone = value.get("phoneNumber")
    fallback = f"{(phone or 'guest').lstrip('+')}@sms.cal.example"  # Cal.com makes an address up for phone-only guests
    return {"language": "en", **value, "email": value.get("email") or fallback}


def _guest(email: str) -> dict[str, Any]:
    return {"name": "", "email": email, "timeZone": "UTC", "language": "en", "absent": False}


def _check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or len(metadata) > 50:
        raise Refused(400, "Metadata must have at most 50 keys")
    for key, value in metadata.items():
        if len(key) > 40 or not isinstance(value, str) or len(value) > 500:
            raise Refused(400, "Metadata keys have at most 40, values at most 500 characters")
