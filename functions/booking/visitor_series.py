"""Series by visitors, without a token: of services that the practice offers as recurring."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from chalicelib.booking.changes.list import contact_from
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.core.unit import Unit
from functions.booking.series_answers import (
    CheckedAnswer,
    RecurrenceBody,
    VisitorSeriesAnswer,
    show_checked,
    show_to_visitor,
)
from functions.booking.visitors import VisitorDetails

if TYPE_CHECKING:
    from chalicelib.booking.series.plan import SeriesRequest
    from chalicelib.vendors.calcom import CalCom

function = Function(__name__)
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
CHECKS_A_MINUTE, SERIES_A_MINUTE = 20, 3
"""Of one address."""
ERRORS = ("branch_not_found 404", "too_many_requests 429")
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "service": "Physiotherapy",
    "starts_at": "2026-12-01T09:30:00+01:00",
    "recurrence": {"frequency": "weekly", "count": 6},
}


class VisitorSeriesToCheck(Body):
    """What to look at; `starts_at` is the first time."""

    branch_id: Text
    service: Text
    starts_at: Aware
    recurrence: RecurrenceBody
    staff: Text | None = None
    length_min: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None


class VisitorSeries(VisitorSeriesToCheck, kw_only=True):
    """What to book. `on_conflict` none: nothing, unless all times can be had; skip: those that can."""

    customer: VisitorDetails
    on_conflict: Literal["none", "skip"] = "none"
    source: Literal["web", "mobile"] = "web"


@function.route(
    "POST",
    "/public/series/check",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=("booking", "occupancy", "crm", "directory"), updates=("guards",)),
    errors=ERRORS,
    memory_mb=1024,
    example=EXAMPLE,
)
def check_series_as_visitor(request: Request, body: VisitorSeriesToCheck) -> CheckedAnswer:
    """Look at every time of a series: bookable, or which instead. Why not is no answer."""
    from chalicelib.booking.creation.hold import company_of
    from chalicelib.booking.series.book import check
    from chalicelib.core import throttle

    throttle.count("series_checks", request.address, request.clock(), most=CHECKS_A_MINUTE)
    checked = show_checked(check(company_of(body.branch_id), _wish(body), now))
    plain = [msgspec.structs.replace(one, **_plain(one.code)) for one in checked.occurrences]
    return msgspec.structs.replace(checked, occurrences=plain)


@function.route(
    "POST",
    "/public/series",
    ability=PUBLIC,
    status=201,
    needs=Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",)),
    errors=(*ERRORS, "series_conflict 409", "calendar_busy 503"),
    memory_mb=1024,
    example=EXAMPLE | {"customer": {"name": "Ada Keller", "phone": "+493055512345"}, "on_conflict": "skip"},
)
def book_series_as_visitor(request: Request, body: VisitorSeries) -> VisitorSeriesAnswer:
    """Book a series without a token, of a service that is offered as recurring."""
    from chalicelib.booking.creation.hold import company_of
    from chalicelib.booking.series.book import book_series
    from chalicelib.booking.series.finish import Units
    from chalicelib.core import throttle

    throttle.count("series", request.address, request.clock(), most=SERIES_A_MINUTE)
    customer = body.customer
    wish = msgspec.structs.replace(
        _wish(body),
        contact=contact_from(customer.name, customer.phone, customer.email, "body.customer"),
        source=body.source,
        somebody=True,
    )
    company_id = company_of(body.branch_id)
    units = Units(
        lambda: request.unit(show_to_visitor, company_id),
        lambda: Unit(company_id, request.actor, correlation_id=request.id, clock=request.clock),
    )
    try:
        return show_to_visitor(book_series(units, company_id, wish, body.on_conflict, now, _calcom))
    except Conflict as refusal:
        if refusal.code != "series_conflict":
            raise
        occurrences: list[dict[str, Any]] = refusal.extra["occurrences"]
        plain = [one | (_plain(one["code"]) if "code" in one else {}) for one in occurrences]
        raise Conflict(refusal.code, refusal.detail, occurrences=plain) from None


def _plain(code: str | None) -> dict[str, Any]:
    # A visitor learns that a time is not to be had; that he is blocked, or what a customer did before, is no answer.
    return {"code": code and "not_bookable", "failures": []}


def _wish(body: VisitorSeriesToCheck) -> "SeriesRequest":
    from chalicelib.booking.series.plan import SeriesRequest

    return SeriesRequest(
        branch_id=body.branch_id,
        service=body.service,
        starts_at=body.starts_at,
        recurrence=body.recurrence.model(),
        staff=body.staff,
        length_min=body.length_min,
        visitor=True,
        somebody=False,
    )


def _calcom() -> "CalCom":
    from chalicelib.vendors.calcom import connected

    return connected()
