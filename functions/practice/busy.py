"""What other calendars say is busy of staff; whatever follows them (Google, Cal.com) writes it here."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import msgspec

from chalicelib.core.clock import now, to_utc
from chalicelib.core.errors import invalid
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Aware, Body, Query
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.booking.time_off.external_calendars import Busy

function = Function(__name__)
PATH = "/api/staff/{staff_id}/busy/{source}"
IN_A_SOURCE = "abcdefghijklmnopqrstuvwxyz0123456789-"
WRITES = Needs(writes=("booking", "occupancy"))


class BusyTime(Body):
    """Busy from `starts_at` until `ends_at`."""

    starts_at: Aware
    ends_at: Aware


class BusyTimes(Body):
    """All that is busy `from` one instant `to` another, 62 days at most; what was said of that time before goes."""

    from_: Aware = msgspec.field(name="from")
    to: Aware
    busy: Annotated[list[BusyTime], msgspec.Meta(max_length=500)]


class BusyQuery(Query):
    """From now for 62 days, unless said."""

    from_: Aware | None = msgspec.field(default=None, name="from")
    to: Aware | None = None


class BusyTimeAnswer(Answer):
    """Busy; in UTC."""

    starts_at: datetime
    ends_at: datetime


class BusyAnswer(Answer):
    """`busy`: in order, what touches as one. `conflicts`: ids of appointments in busy times; they stay."""

    source: str
    from_: datetime = msgspec.field(name="from")
    to: datetime
    busy: list[BusyTimeAnswer]
    conflicts: list[str]


@function.route(
    "PUT",
    PATH,
    ability="practice:write",
    needs=WRITES,
    errors=("staff_not_found 404", "calendar_busy 503"),
    example={
        "from": "2026-12-01T00:00:00Z",
        "to": "2026-12-15T00:00:00Z",
        "busy": [{"starts_at": "2026-12-02T09:00:00Z", "ends_at": "2026-12-02T10:30:00Z"}],
    },
)
def replace_busy_times(request: Request, staff_id: str, source: str, body: BusyTimes) -> BusyAnswer:
    """Say what is busy in another calendar (`source`: google, calcom, …) in place of what it said of that time before.

    Nobody is booked at a busy time; what is booked already stays, and is named in `conflicts`.
    """
    from chalicelib.booking.time_off import external_calendars

    at = _source(source)
    within = external_calendars.window(body.from_, body.to, now(), "body")
    for number, one in enumerate(body.busy):
        if one.ends_at <= one.starts_at:
            raise invalid(f"body.busy[{number}].ends_at", "empty_range", "A busy time ends after it starts.")
    busy = [(to_utc(one.starts_at), to_utc(one.ends_at)) for one in body.busy]
    said = external_calendars.Busy(at, *within, busy)
    return _show(external_calendars.replace_busy(lambda: request.unit(_show), request.company_id, staff_id, said))


@function.route(
    "GET",
    PATH,
    ability="practice:read",
    needs=Needs(reads=("booking", "occupancy")),
    errors=("staff_not_found 404",),
)
def show_busy_times(request: Request, staff_id: str, source: str, query: BusyQuery) -> BusyAnswer:
    """What another calendar says is busy."""
    from chalicelib.booking.time_off import external_calendars

    within = external_calendars.window(query.from_, query.to, now(), "query")
    return _show(external_calendars.read_busy(request.company_id, staff_id, _source(source), within))


@function.route(
    "DELETE",
    PATH,
    ability="practice:write",
    status=204,
    needs=WRITES,
    errors=("staff_not_found 404", "calendar_busy 503"),
)
def remove_busy_times(request: Request, staff_id: str, source: str, query: BusyQuery) -> None:
    """Forget what another calendar said is busy in that time."""
    from chalicelib.booking.time_off import external_calendars

    within = external_calendars.window(query.from_, query.to, now(), "query")
    nothing = external_calendars.Busy(_source(source), *within)
    new_unit = partial(request.unit, lambda busy: None)
    external_calendars.replace_busy(new_unit, request.company_id, staff_id, nothing)


def _source(name: str) -> str:
    if not 1 <= len(name) <= 40 or name.strip(IN_A_SOURCE):
        raise invalid("path.source", "not_a_slug", "Lower-case letters, digits and hyphens, 40 at most.")
    return name


def _show(busy: "Busy") -> BusyAnswer:
    return BusyAnswer(
        source=busy.source,
        from_=busy.first,
        to=busy.last,
        busy=[BusyTimeAnswer(starts_at=start, ends_at=end) for start, end in busy.times],
        conflicts=list(busy.conflicts),
    )
