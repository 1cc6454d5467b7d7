"""What a booking left in a call's record: our own function's arguments, or the analysis of the agent's provider.

A language model filled both in, so names, nesting and types vary; what cannot be read is named, never guessed.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

PROVIDER = "calcom"
"""The one provider at which agents book by themselves; they name its ids as below."""
_NAMES: dict[str, tuple[str, ...]] = {
    "booking_id": ("calcom_uid", "calcom_booking_uid", "booking_uid", "uid", "external_id"),
    "booking_number": ("calcom_booking_id", "calcom_id", "booking_id", "id"),
    "event_type": ("event_type_id", "calcom_event_type_id", "event_type"),
    "starts_at": ("starts_at", "start_time", "start", "appointment_time", "appointment_start", "date_time"),
    "ends_at": ("ends_at", "end_time", "end", "appointment_end"),
    "minutes": ("duration", "duration_min", "duration_minutes", "length_in_minutes"),
    "service": ("service", "service_name", "service_id", "appointment_type"),
    "staff": ("staff", "staff_name", "staff_id", "practitioner", "host"),
    "branch": ("branch_id", "branch"),
    "name": ("name", "customer_name", "caller_name", "patient_name", "full_name", "attendee_name"),
    "phone": ("phone", "phone_number", "customer_phone", "caller_phone", "attendee_phone_number", "attendee_phone"),
    "email": ("email", "customer_email", "caller_email", "attendee_email"),
    "zone": ("time_zone", "timezone"),
}
_PERSON = frozenset({*_NAMES["name"], *_NAMES["phone"], *_NAMES["email"], *_NAMES["zone"]})
_EVERYTHING = frozenset(name for names in _NAMES.values() for name in names)
_INSIDE = {
    "attendees": _PERSON,
    "attendee": _PERSON,
    "customer": _PERSON,
    "responses": _PERSON,
    "data": _EVERYTHING,
    "appointment": _EVERYTHING,
    "booking": _EVERYTHING,
    "booking_details": _EVERYTHING,
}
"""What is looked for one level deeper, as in an answer of a provider's kept whole; a person's id is no booking's."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[ -]+")
_YES = frozenset({"true", "yes", "1", "confirmed", "booked", "accepted", "success"})
_CONFIRMED = ("booking_confirmed", "appointment_booked", "booked", "booking_status", "booking_successful")
_SECONDS_FROM, _MILLIS_FROM = 10**9, 10**12
_LATEST = 4 * 10**9


class BookingData(msgspec.Struct, frozen=True, kw_only=True):
    """What could be read. `starts_at` and `ends_at` as RFC 3339, without an offset where none was given.

    `unreadable`: names of what was given and is no number. `booking_id`, `booking_number` and `event_type` are those of
    the provider at which the agent booked.
    """

    provider: str = PROVIDER
    booking_id: str | None = None
    booking_number: int | None = None
    event_type: int | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    minutes: int | None = None
    service: str | None = None
    staff: str | None = None
    branch: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    zone: str | None = None
    unreadable: tuple[str, ...] = ()


def read_booking(details: dict[str, Any]) -> BookingData:
    """The booking in a call's booking_details; never raises."""
    flat = dict(_flattened(details))
    found: dict[str, Any] = {}
    unreadable = []
    for field, names in _NAMES.items():
        given = next((flat[name] for name in names if flat.get(name) not in (None, "")), None)
        if given is None:
            continue
        read = _read(field, given)
        if read is None:
            unreadable.append(field)
        else:
            found[field] = read
    return BookingData(**found, unreadable=tuple(unreadable))


def booking_in_analysis(data: Any) -> tuple[dict[str, Any], bool] | None:
    """The booking details in Retell's custom_analysis_data and whether they say that it stands; None without any.

    It stands when the agent's provider says so, or when there is a booking of a provider's.
    """
    if not isinstance(data, dict):
        return None
    booking = read_booking(data)
    flat = dict(_flattened(data))
    at_provider = bool(booking.booking_id or booking.booking_number)
    confirmed = at_provider or any(str(flat.get(name, "")).strip().lower() in _YES for name in _CONFIRMED)
    if not at_provider and not (confirmed and booking.starts_at):
        return None
    return data, confirmed


def _flattened(details: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    # What lies deeper comes first, so that the same name above it wins.
    spelled = {_snake(name): _decoded(value) for name, value in details.items()}
    for name, allowed in _INSIDE.items():
        inner = spelled.get(name)
        if isinstance(inner, list):
            inner = inner[0] if inner else None
        if isinstance(inner, dict):
            yield from _named(inner, allowed)
    yield from _named(spelled, None)


def _named(values: dict[str, Any], allowed: frozenset[str] | None) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = _snake(key)
        if name == "event_type" and isinstance(value, dict):
            name, value = "event_type_id", value.get("id")
        if isinstance(value, (str, int, float, bool)) and (allowed is None or name in allowed):
            yield name, value


def _decoded(value: Any) -> Any:
    if not (isinstance(value, str) and value.lstrip()[:1] in ("{", "[")):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def _snake(name: object) -> str:
    return _HUMP.sub("_", str(name).strip()).lower()


def _read(field: str, given: Any) -> Any:
    if field in ("booking_number", "event_type", "minutes"):
        return _number(given)
    if field in ("starts_at", "ends_at"):
        return _instant(given)
    return None if isinstance(given, bool) else str(given).strip() or None


def _number(given: Any) -> int | None:
    if isinstance(given, bool):
        return None
    try:
        number = int(str(given).strip().lstrip("#").removesuffix(".0"))
    except ValueError:
        return None
    return number if 0 < number < 2**53 else None


def _instant(given: Any) -> str | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, str) and not given.strip().isdecimal():
        return given.strip()
    try:
        seconds = float(given)
    except (ValueError, OverflowError):
        return None
    seconds = seconds / 1000 if seconds >= _MILLIS_FROM else seconds
    if not _SECONDS_FROM <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()
