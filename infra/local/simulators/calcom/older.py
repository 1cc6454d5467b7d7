"""What Cal.com answers without the right `cal-api-version`: silently an older version, in other shapes."""

from typing import Any, Protocol

from infra.local.simulators.calcom.bookings import Booking, Bookings
from infra.local.simulators.exchange import Reply, Request


class _Account(Protocol):
    bookings: Bookings

    def error_body(self, request: Request, status: int, message: str) -> Any: ...


def older_answer(account: _Account, request: Request) -> Reply:
    """Reading works with other field names, booking wants other fields, later endpoints are not there at all."""
    bookings = account.bookings.all
    if request.path == "/v2/bookings" and request.method == "GET":
        return _success({"bookings": [_older(one) for one in bookings.values()], "totalCount": len(bookings)})
    uid = request.path.removeprefix("/v2/bookings/")
    if request.method == "GET" and uid in bookings:
        return _success(_older(bookings[uid]))
    if request.path == "/v2/bookings":
        return Reply(400, account.error_body(request, 400, "responses must be an object"))
    if request.path == "/v2/event-types":
        return _success({"eventTypeGroups": []})
    return Reply(404, account.error_body(request, 404, f"Cannot {request.method} {request.path}"))


def _older(booking: Booking) -> dict[str, Any]:
    kept = {name: booking[name] for name in ("id", "uid", "title", "attendees", "eventTypeId")}
    return {**kept, "status": booking["status"].upper(), "startTime": booking["start"], "endTime": booking["end"]}


def _success(data: Any) -> Reply:
    return Reply(200, {"status": "success", "data": data})
