"""Cal.com's API v2: book, look up, list, cancel, reschedule.

From the vendor's `docs/api-reference/v2/openapi.json` @e5d99e4. Its `cal-api-version` header is per resource, and
without the right one an older version of the endpoint answers silently.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from chalicelib.core.clock import to_utc
from chalicelib.core.errors import Conflict, DomainError, Fault, Invalid, Unavailable, VendorRefused
from chalicelib.core.secrets import secret
from chalicelib.core.settings import settings
from chalicelib.vendors.http import VendorSession
from chalicelib.vendors.outcomes import Vendor

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.account import Account

VENDOR = Vendor("calcom", "Cal.com")
SLOT_TAKEN = re.compile(
    r"already (has|have) (a )?booking|no longer available|no_available_users_found|hosts_unavailable_for_booking"
    r"|booking_conflict|already (been )?(booked|reserved)|(user|host|slot|time)s? (is|are) not available",
    re.IGNORECASE,
)
"""How Cal.com says that a slot is taken (`errors.service.ts`, 400 there), and codes that older versions let through."""
PAGE_SIZE, MOST_PAGES = 100, 1000
MOST_METADATA_KEYS = 50
LONGEST_METADATA_KEY = 40
LONGEST_METADATA_VALUE = 500
_BOOKINGS = {"cal-api-version": "2024-08-13"}


class NewAttendee(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Who comes. `time_zone` is an IANA name, `phone_number` E.164, `language` a code such as `it`."""

    name: str
    time_zone: str
    email: str | None = None
    phone_number: str | None = None
    language: str | None = None


class NewBooking(msgspec.Struct, frozen=True, kw_only=True):
    """What to book: `start` is aware; `metadata` has at most 50 keys of 40 and values of 500 characters.

    There is no idempotency key at Cal.com: put our own id into `metadata` and look for it when the outcome is unknown.
    """

    event_type_id: int
    start: datetime
    attendee: NewAttendee
    metadata: dict[str, str] = {}
    length_in_minutes: int | None = None
    booking_fields_responses: dict[str, Any] = {}
    location: dict[str, Any] | None = None


class EventTypeRef(msgspec.Struct, frozen=True, kw_only=True):
    """The service that was booked."""

    id: int
    slug: str | None = None


class BookedPerson(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A host (with `id`, `username`) or an attendee (with `absent`, `phone_number`)."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    username: str | None = None
    time_zone: str | None = None
    phone_number: str | None = None
    absent: bool | None = None


class Booking(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A booking as Cal.com has it: times in UTC, `duration` in minutes, status accepted|pending|cancelled|rejected."""

    id: int
    uid: str
    status: str
    start: datetime
    end: datetime
    title: str | None = None
    duration: int | None = None
    event_type: EventTypeRef | None = None
    deprecated_event_type_id: int | None = msgspec.field(name="eventTypeId", default=None)
    hosts: list[BookedPerson] = []
    attendees: list[BookedPerson] = []
    guests: list[str] = []
    location: Any = None
    metadata: dict[str, Any] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None
    cancellation_reason: str | None = None
    rescheduling_reason: str | None = None
    rescheduled_from_uid: str | None = None
    rescheduled_to_uid: str | None = None
    absent_host: bool | None = None
    ical_uid: str | None = msgspec.field(name="icsUid", default=None)

    @property
    def event_type_id(self) -> int | None:
        """Where the documentation now puts it, else where it was."""
        return self.event_type.id if self.event_type else self.deprecated_event_type_id


class _One(msgspec.Struct, frozen=True):
    data: Booking


class _Done(msgspec.Struct, frozen=True):
    """An answer that is read no further than that it was one."""

    status: str | None = None


class _Pagination(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool = False


class _Page(msgspec.Struct, frozen=True):
    data: list[Booking]
    pagination: _Pagination


class CalCom:
    """Cal.com on behalf of the account whose key this is. Every method raises what `VendorSession.call` lists.

    A recurring or seated event type answers with other shapes; those count as no usable answer.
    """

    def __init__(self, api_key: str, base_url: str | None = None, *, timeout_seconds: float | None = None) -> None:
        url = base_url or settings().calcom_base_url
        self._session = VendorSession(VENDOR, url, api_key, timeout_seconds=timeout_seconds)

    def create_booking(self, new: NewBooking) -> Booking:
        """Books; raises Conflict `calcom_slot_taken`, and Invalid (nothing was sent) for metadata beyond its limits."""
        _check_metadata(new.metadata)
        return self._take_slot("/v2/bookings", _create_body(new))

    def booking(self, uid: str) -> Booking:
        """The booking as it stands; raises VendorRefused `calcom_not_found`."""
        return self._session.call("GET", _path(uid), _One, headers=_BOOKINGS).data

    def bookings(self, event_type_id: int, after_start: datetime, before_end: datetime) -> Iterator[Booking]:
        """Bookings of any status that start at or after the one instant and end at or before the other, by start.

        Pages are offsets: a booking made meanwhile shifts the rest back, which repeats some (left out here) and loses
        none, since even a cancelled one stays listed.
        """
        query: dict[str, str | int] = {
            "eventTypeId": event_type_id,
            "afterStart": _iso(after_start),
            "beforeEnd": _iso(before_end),
            "sortStart": "asc",
            "take": PAGE_SIZE,
        }
        seen: set[str] = set()
        for number in range(MOST_PAGES):
            window = {**query, "skip": number * PAGE_SIZE}
            page = self._session.call("GET", "/v2/bookings", _Page, query=window, headers=_BOOKINGS)
            fresh = [one for one in page.data if one.uid not in seen]
            seen.update(one.uid for one in fresh)
            yield from fresh
            if not page.pagination.has_next_page:
                return
        raise Unavailable("calcom_unavailable", f"Cal.com's list did not end after {MOST_PAGES} pages.")

    def changed(self, after: datetime, skip: int = 0) -> tuple[list[Booking], bool]:
        """A page of the bookings that changed at or after the instant, the oldest change first; whether more follow."""
        query: dict[str, str | int] = {
            "afterUpdatedAt": _iso_millis(after),
            "sortUpdatedAt": "asc",
            "take": PAGE_SIZE,
            "skip": skip,
        }
        page = self._session.call("GET", "/v2/bookings", _Page, query=query, headers=_BOOKINGS)
        return page.data, page.pagination.has_next_page

    def cancel(self, uid: str, reason: str) -> Booking:
        """Cancels; VendorRefused `calcom_invalid` when it is cancelled already."""
        body = {"cancellationReason": reason}
        return self._session.call("POST", f"{_path(uid)}/cancel", _One, body=body, headers=_BOOKINGS).data

    def reschedule(self, uid: str, start: datetime, reason: str) -> Booking:
        """The NEW booking: new uid and id, `rescheduled_from_uid` the old one, which is then cancelled.

        Raises Conflict `calcom_slot_taken` like `create_booking`.
        """
        return self._take_slot(f"{_path(uid)}/reschedule", {"start": _iso(start), "reschedulingReason": reason})

    def confirm(self, uid: str) -> Booking:
        """Accepts what is pending; VendorRefused `calcom_invalid` when it is not."""
        return self._act(uid, "confirm", {})

    def decline(self, uid: str, reason: str) -> Booking:
        """Declines what is pending; VendorRefused `calcom_invalid` when it is not."""
        return self._act(uid, "decline", {"reason": reason})

    def mark_absent(self, uid: str, attendees: Mapping[str, bool]) -> Booking:
        """Marks attendees, by e-mail, as absent or as not absent after all."""
        marks = [{"email": email, "absent": absent} for email, absent in attendees.items()]
        return self._act(uid, "mark-absent", {"attendees": marks})

    def add_attendee(self, uid: str, name: str, email: str, time_zone: str, phone_number: str | None) -> None:
        """Adds someone to the booking; nobody can be changed or taken off. Read it afterwards."""
        person = {"name": name, "email": email, "timeZone": time_zone}
        body = person | ({"phoneNumber": phone_number} if phone_number else {})
        self._session.call("POST", f"{_path(uid)}/attendees", _Done, body=body, headers=_BOOKINGS)

    def add_guests(self, uid: str, emails: Sequence[str]) -> None:
        """Adds guests, at most ten at once and thirty in all. Read the booking afterwards."""
        body = {"guests": [{"email": email} for email in emails]}
        self._session.call("POST", f"{_path(uid)}/guests", _Done, body=body, headers=_BOOKINGS)

    def reassign(self, uid: str, user_id: int, reason: str) -> None:
        """Gives the booking to another host; Cal.com does so for round-robin event types only. Read it afterwards."""
        path = f"{_path(uid)}/reassign/{user_id}"
        self._session.call("POST", path, _Done, body={"reason": reason}, headers=_BOOKINGS)

    def account(self) -> "Account":
        """Event types, users and webhooks of the account, over the same connections."""
        from chalicelib.vendors.calcom.account import Account

        return Account(self._session)

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _act(self, uid: str, what: str, body: Mapping[str, Any]) -> Booking:
        return self._session.call("POST", f"{_path(uid)}/{what}", _One, body=body, headers=_BOOKINGS).data

    def _take_slot(self, path: str, body: Mapping[str, Any]) -> Booking:
        try:
            return self._session.call("POST", path, _One, body=body, headers=_BOOKINGS).data
        except (Conflict, VendorRefused) as error:
            if not _says_slot_taken(error):
                raise
            message = error.extra["vendor_message"]
            detail = "This time is taken at Cal.com; choose another."
            raise Conflict("calcom_slot_taken", detail, vendor_message=message) from error


def _create_body(new: NewBooking) -> dict[str, Any]:
    body = {
        "start": _iso(new.start),
        "eventTypeId": new.event_type_id,
        "attendee": new.attendee,
        "metadata": new.metadata,
        "lengthInMinutes": new.length_in_minutes,
        "bookingFieldsResponses": new.booking_fields_responses,
        "location": new.location,
    }
    return {name: value for name, value in body.items() if value not in (None, {})}


def _check_metadata(metadata: Mapping[str, str]) -> None:
    faults = [
        Fault(f"metadata.{key[:LONGEST_METADATA_KEY]}", "too_long", "A key has at most 40, a value 500 characters.")
        for key, value in metadata.items()
        if len(key) > LONGEST_METADATA_KEY or len(value) > LONGEST_METADATA_VALUE
    ]
    if len(metadata) > MOST_METADATA_KEYS:
        faults.append(Fault("metadata", "too_many", "At most 50 keys."))
    if faults:
        raise Invalid("calcom_metadata", "Cal.com does not take metadata of this size.", faults=tuple(faults))


def _says_slot_taken(error: DomainError) -> bool:
    """Which of 400 and 409 Cal.com uses is not documented: the message decides."""
    refused = error.code in ("calcom_conflict", "calcom_invalid")
    return refused and SLOT_TAKEN.search(error.extra.get("vendor_message", "")) is not None


def _path(uid: str) -> str:
    return f"/v2/bookings/{quote(uid, safe='')}"


def _iso(instant: datetime) -> str:
    """Cal.com wants UTC with Z; ValueError for a naive datetime."""
    return to_utc(instant).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso_millis(instant: datetime) -> str:
    utc = to_utc(instant)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def connected() -> CalCom:
    """A client with this stage's own API key; raises Unavailable when none is configured."""
    return CalCom(secret("calcom_api_key"))
