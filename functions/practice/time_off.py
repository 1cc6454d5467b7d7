"""Time off of staff."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.booking.appointments.appointment import Appointment
from chalicelib.booking.time_off.absence import TimeOff
from chalicelib.core.clock import now, stamp
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Aware, Body
from chalicelib.core.requests import Request

function = Function(__name__)


class NewTimeOff(Body):
    """Away from `starts_at` to `ends_at`, in every branch; a year at most."""

    starts_at: Aware
    ends_at: Aware
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class TimeOffQuery(PageQuery):
    """`ends_after`: leave out what ended before; now unless given."""

    ends_after: Aware | None = None


class TimeOffAnswer(Answer):
    """`in_the_way`: ids of appointments in this time; they stay until someone moves or cancels them."""

    id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    in_the_way: list[str]


@function.route("GET", "/api/staff/{staff_id}/time-off", ability="practice:read", needs=Needs(reads=("booking",)))
def list_time_off(request: Request, staff_id: str, query: TimeOffQuery) -> Page[TimeOff]:
    """What is not over yet, the first to end first."""
    from chalicelib.booking.practice import store as practice_store
    from chalicelib.booking.practice.models import Staff
    from chalicelib.booking.time_off import store as time_off_store

    practice_store.get(Staff, request.company_id, staff_id)
    after = stamp(query.ends_after or now())
    return time_off_store.page_of(request.company_id, staff_id, after, query.limit, query.cursor)


@function.route(
    "POST",
    "/api/staff/{staff_id}/time-off",
    ability="practice:write",
    status=201,
    needs=Needs(writes=("booking", "occupancy")),
    errors=("staff_not_found 404", "calendar_busy 503"),
)
def take_time_off(request: Request, staff_id: str, body: NewTimeOff) -> TimeOffAnswer:
    """Take time off. What is booked in it stays, and is named in `in_the_way`."""
    from chalicelib.booking.time_off.book_time_off import TimeOffRequest, take

    time_off = TimeOffRequest(staff_id, body.starts_at, body.ends_at, body.reason)
    return _show(take(lambda: request.unit(_show), request.company_id, time_off, now))


@function.route(
    "DELETE",
    "/api/staff/{staff_id}/time-off/{time_off_id}",
    ability="practice:write",
    status=204,
    needs=Needs(writes=("booking", "occupancy")),
    errors=("time_off_not_found 404", "calendar_busy 503"),
)
def withdraw_time_off(request: Request, staff_id: str, time_off_id: str) -> None:
    """Give the time back; whoever waits for it is offered it."""
    from chalicelib.booking.time_off import book_time_off

    book_time_off.withdraw(request.unit, request.company_id, staff_id, time_off_id)


def _show(taken: tuple[TimeOff, list[Appointment]]) -> TimeOffAnswer:
    off, in_the_way = taken
    return TimeOffAnswer(
        id=off.id,
        staff_id=off.staff_id,
        starts_at=off.starts_at,
        ends_at=off.ends_at,
        reason=off.reason,
        in_the_way=[appointment.id for appointment in in_the_way],
    )
