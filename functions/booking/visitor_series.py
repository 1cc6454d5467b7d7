"""Series by visitors, without a token: of services that the practice offers as recurring."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from functions.booking.bodies import CustomerBody, TimeBody
from functions.booking.online import CLOSED, require_open
from functions.booking.series_answers import (
    CheckedAnswer,
    RecurrenceBody,
    VisitorSeriesAnswer,
    run_of,
    show_plan,
    show_to_visitor,
)

if TYPE_CHECKING:
    from chalicelib.booking.series.context import SeriesRequest

function = Function(__name__)
CHECKS_A_MINUTE, SERIES_A_MINUTE = 20, 3
"""Of one address."""
ERRORS = ("branch_not_found 404", "too_many_requests 429")
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "service": "Physiotherapy",
    "starts_at": "2026-12-01T09:30:00+01:00",
    "recurrence": {"frequency": "weekly", "count": 6},
}


class VisitorSeriesToCheck(TimeBody, kw_only=True):
    """What to look at; `starts_at` is the first time."""

    recurrence: RecurrenceBody

    def request(self, **more: Any) -> "SeriesRequest":
        """What it asks for."""
        from chalicelib.booking.series.context import SeriesRequest

        return SeriesRequest(**self.slot(), recurrence=self.recurrence.model(), visitor=True, **more)


class VisitorSeries(VisitorSeriesToCheck, kw_only=True):
    """What to book. `on_conflict` none: nothing, unless all times can be had; skip: those that can."""

    customer: CustomerBody
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
    checked = show_plan(check(company_of(body.branch_id), body.request(), now))
    plain = [msgspec.structs.replace(one, **_plain(one.code)) for one in checked.occurrences]
    return msgspec.structs.replace(checked, occurrences=plain)


@function.route(
    "POST",
    "/public/series",
    ability=PUBLIC,
    status=201,
    needs=Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",)),
    errors=(*ERRORS, CLOSED, "series_conflict 409", "calendar_busy 503"),
    memory_mb=1024,
    example=EXAMPLE | {"customer": {"name": "Ada Keller", "phone": "+493055512345"}, "on_conflict": "skip"},
)
def book_series_as_visitor(request: Request, body: VisitorSeries) -> VisitorSeriesAnswer:
    """Book a series without a token, of a service that is offered as recurring."""
    from chalicelib.booking.creation.hold import company_of
    from chalicelib.booking.series.book import book_series
    from chalicelib.core import throttle

    company_id = company_of(body.branch_id)
    require_open(request, company_id)
    throttle.count("series", request.address, request.clock(), most=SERIES_A_MINUTE)
    contact = body.customer.contact(company_id, body.branch_id)
    given = {"contact": contact, "source": body.source, "on_conflict": body.on_conflict}
    run = run_of(request, show_to_visitor, company_id)
    try:
        return show_to_visitor(book_series(run, body.request(**given)))
    except Conflict as refusal:
        if refusal.code != "series_conflict":
            raise
        occurrences: list[dict[str, Any]] = refusal.extra["occurrences"]
        plain = [one | (_plain(one["code"]) if "code" in one else {}) for one in occurrences]
        raise Conflict(refusal.code, refusal.detail, occurrences=plain) from None


def _plain(code: str | None) -> dict[str, Any]:
    # A visitor learns that a time is not to be had; that they are blocked, or what a customer did before, is no answer.
    return {"code": code and "not_bookable", "failures": []}
