"""`GET /v2/bookings`: filters, order and offset pages."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from math import ceil
from typing import Any

from infra.local.simulators.calcom.bookings import Booking, instant
from infra.local.simulators.exchange import Refused

_BOUNDS: Mapping[str, tuple[str, Callable[[datetime, datetime], bool]]] = {
    "afterStart": ("start", datetime.__ge__),
    "beforeEnd": ("end", datetime.__le__),
    "afterCreatedAt": ("createdAt", datetime.__ge__),
    "beforeCreatedAt": ("createdAt", datetime.__le__),
    "afterUpdatedAt": ("updatedAt", datetime.__ge__),
    "beforeUpdatedAt": ("updatedAt", datetime.__le__),
}
_SORTS = {"sortStart": "start", "sortEnd": "end", "sortCreated": "createdAt", "sortUpdatedAt": "updatedAt"}


def page(bookings: Iterable[Booking], query: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """The documented envelope with `data` and `pagination`; raises Refused for a parameter out of range."""
    found = _sorted([one for one in bookings if _matches(one, query, now)], query)
    take, skip = _number(query, "take", 100, 1, 250), _number(query, "skip", 0, 0, 10**9)
    rows = found[skip : skip + take]
    left = max(len(found) - skip - len(rows), 0)
    pagination = {
        "totalItems": len(found),
        "remainingItems": left,
        "returnedItems": len(rows),
        "itemsPerPage": take,
        "currentPage": skip // take + 1,
        "totalPages": ceil(len(found) / take),
        "hasNextPage": left > 0,
        "hasPreviousPage": skip > 0,
    }
    return {"status": "success", "data": rows, "pagination": pagination}


def _matches(booking: Booking, query: Mapping[str, str], now: datetime) -> bool:
    kinds = query.get("eventTypeIds") or query.get("eventTypeId")
    if kinds and str(booking["eventTypeId"]) not in kinds.split(","):
        return False
    if query.get("bookingUid", booking["uid"]) != booking["uid"]:
        return False
    statuses = query.get("status")
    if statuses and not any(_has_status(booking, one, now) for one in statuses.split(",")):
        return False
    for parameter, field in (("attendeeEmail", "email"), ("attendeeName", "name")):
        if parameter in query and all(one[field] != query[parameter] for one in booking["attendees"]):
            return False
    return all(
        compare(instant(booking[field], field), instant(query[parameter], parameter))
        for parameter, (field, compare) in _BOUNDS.items()
        if parameter in query
    )


def _has_status(booking: Booking, status: str, now: datetime) -> bool:
    over = instant(booking["end"], "end") < now
    match status:
        case "upcoming":
            return not over and booking["status"] in ("accepted", "pending")
        case "past":
            return over and booking["status"] in ("accepted", "pending")
        case "cancelled":
            return booking["status"] in ("cancelled", "rejected")
        case "unconfirmed":
            return not over and booking["status"] == "pending"
        case "recurring":
            return False
        case _:
            raise Refused(400, "Invalid status. Allowed are upcoming, recurring, past, cancelled, unconfirmed")


def _sorted(bookings: list[Booking], query: Mapping[str, str]) -> list[Booking]:
    for parameter, field in _SORTS.items():
        if parameter in query:
            return sorted(bookings, key=lambda one: (one[field], one["id"]), reverse=query[parameter] == "desc")
    return bookings


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Refused(400, f"{name} must be a number from {least} to {most}")
    return int(text)
