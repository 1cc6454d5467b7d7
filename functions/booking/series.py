"""Series: checked as a whole, booked all or as far as they are free, changed from one of their appointments on."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.changes.list import contact_from
from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Body
from chalicelib.core.requests import Request
from chalicelib.core.unit import Unit
from functions.booking.appointments import CustomerDetails, Preferred
from functions.booking.series_answers import CheckedAnswer, RecurrenceBody, SeriesAnswer, show_checked, show_series

if TYPE_CHECKING:
    from chalicelib.booking.series.finish import Units
    from chalicelib.booking.series.plan import SeriesRequest
    from chalicelib.vendors.calcom import CalCom

function = Function(__name__)
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Scope = Literal["one", "following", "all"]
WRITES = Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",))
CHANGES = Needs(writes=("booking", "occupancy", "directory"), reads=("crm",), secrets=("calcom_api_key",))
REFUSALS = ("branch_not_found 404", "customer_not_found 404")
USUAL = (
    "series_not_found 404", "appointment_not_found 404", "stale_version 409", "series_unfinished 409",
    "change_pending 409", "calendar_busy 503",
)  # fmt: skip
EXAMPLE = {
    "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC",
    "service": "Massage",
    "starts_at": "2026-12-01T09:30:00+01:00",
    "recurrence": {"frequency": "weekly", "count": 6, "excluded": ["2026-12-22"]},
    "customer": {"name": "Ada Keller", "phone": "+493055512345"},
}


class SeriesToCheck(Body):
    """What to look at. `starts_at` is the first time; the others have its time of day on the branch's clock.

    The customer may be left out; the limits, blocks and consultations that depend on who it is show when booking.
    """

    branch_id: Text
    service: Text
    starts_at: Aware
    recurrence: RecurrenceBody
    staff: Text | None = None
    length_min: Annotated[int, msgspec.Meta(ge=1, le=1440)] | None = None
    prefer: Preferred | None = None
    override: Overrides = msgspec.field(default_factory=list)
    customer_id: Text | None = None
    customer: CustomerDetails | None = None


class NewSeries(SeriesToCheck):
    """What to book. `on_conflict` none: nothing, unless all times can be had; skip: those that can.

    `override` takes the ability `appointments:override`.
    """

    on_conflict: Literal["none", "skip"] = "none"
    source: Literal["api", "web", "mobile"] = "api"
    metadata: dict[Annotated[str, msgspec.Meta(max_length=40)], Annotated[str, msgspec.Meta(max_length=500)]] = (
        msgspec.field(default_factory=dict)
    )


class SeriesQuery(PageQuery):
    """Of one customer, or all."""

    customer_id: Text | None = None


class SeriesCancellation(Body):
    """Which, told from `appointment_id`: that one, it and those that follow, or all. `version`: of that one."""

    appointment_id: Text
    scope: Scope
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None


class SeriesMove(SeriesCancellation):
    """Where that one is to be, or with whom; the others are moved by as much on the branch's clock."""

    starts_at: Aware | None = None
    staff: Text | None = None


@function.route(
    "POST",
    "/api/series/check",
    ability="appointments:read",
    idempotent=False,
    needs=Needs(reads=("booking", "occupancy", "crm")),
    errors=REFUSALS,
    memory_mb=1024,
    example=EXAMPLE,
)
def check_series(request: Request, body: SeriesToCheck) -> CheckedAnswer:
    """Look at every time of a series: bookable, or why not and which instead. Nothing is written."""
    from chalicelib.booking.series.book import check

    return show_checked(check(request.company_id, _wish(body), now))


@function.route(
    "POST",
    "/api/series",
    ability="appointments:write",
    status=201,
    needs=WRITES,
    errors=(*REFUSALS, "series_conflict 409", "calendar_busy 503"),
    memory_mb=1024,
    example=EXAMPLE,
)
def book_series(request: Request, body: NewSeries) -> SeriesAnswer:
    """Book a series. 409 `series_conflict` lists all `occurrences`, as the check does; then nothing was booked.

    A request books for fifteen seconds; of what is left, the times are kept (`held`), and booked within minutes.
    """
    from chalicelib.booking.series import book as series_book

    if body.override:
        request.require("appointments:override")
    wish = msgspec.structs.replace(_wish(body), source=body.source, metadata=body.metadata, somebody=True)
    company_id = request.company_id
    return show_series(series_book.book_series(_units(request), company_id, wish, body.on_conflict, now, _calcom))


@function.route("GET", "/api/series", ability="appointments:read", needs=Needs(reads=("booking",)))
def list_series(request: Request, query: SeriesQuery) -> Page[SeriesAnswer]:
    """Series, the newest first; as they were booked: what became of each appointment since is not looked at."""
    from chalicelib.booking.series import store as series_store
    from chalicelib.booking.series.finish import SeriesProgress

    found = series_store.page_series(request.company_id, query.customer_id, query.limit, query.cursor)
    return found.map(lambda series: show_series(SeriesProgress(series, {})))


@function.route(
    "GET",
    "/api/series/{series_id}",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("series_not_found 404",),
)
def show_one_series(request: Request, series_id: str) -> SeriesAnswer:
    """One series, with its appointments as they are now."""
    from chalicelib.booking.series import store as series_store
    from chalicelib.booking.series.finish import progress_of

    return show_series(progress_of(series_store.get_series(request.company_id, series_id)))


@function.route(
    "POST",
    "/api/series/{series_id}/reschedule",
    ability="appointments:write",
    needs=CHANGES,
    errors=USUAL,
    example={
        "appointment_id": "apt_01KAZ4Q6ZQ5F0V7M8T2R",
        "scope": "following",
        "starts_at": "2026-12-08T10:30:00+01:00",
    },
)
def reschedule_series(request: Request, series_id: str, body: SeriesMove) -> SeriesAnswer:
    """Move one appointment of a series, it and those that follow, or all; `change` lists what came of each.

    What took place or is over is left alone; one that cannot be moved stays where it is, with `alternatives`.
    """
    from chalicelib.booking.series.change import SeriesChange, change_series

    wanted = SeriesChange(
        kind="reschedule",
        appointment_id=body.appointment_id,
        scope=body.scope,
        starts_at=body.starts_at,
        staff=body.staff,
        reason=body.reason,
        by=str(request.actor),
        version=body.version,
    )
    return show_series(change_series(_units(request), request.company_id, series_id, wanted, now, _calcom))


@function.route(
    "POST",
    "/api/series/{series_id}/cancel",
    ability="appointments:write",
    needs=CHANGES,
    errors=USUAL,
    example={"appointment_id": "apt_01KAZ4Q6ZQ5F0V7M8T2R", "scope": "all", "reason": "The customer has moved away"},
)
def cancel_series(request: Request, series_id: str, body: SeriesCancellation) -> SeriesAnswer:
    """Cancel one appointment of a series, it and those that follow, or all; `change` lists what came of each."""
    from chalicelib.booking.series.change import SeriesChange, change_series

    wanted = SeriesChange(
        kind="cancel",
        appointment_id=body.appointment_id,
        scope=body.scope,
        reason=body.reason,
        by=str(request.actor),
        version=body.version,
    )
    return show_series(change_series(_units(request), request.company_id, series_id, wanted, now, _calcom))


def _wish(body: SeriesToCheck) -> "SeriesRequest":
    from chalicelib.booking.allocation.assignment import Preference
    from chalicelib.booking.series.plan import SeriesRequest

    customer = body.customer or CustomerDetails()
    return SeriesRequest(
        branch_id=body.branch_id,
        service=body.service,
        starts_at=body.starts_at,
        recurrence=body.recurrence.model(),
        staff=body.staff,
        length_min=body.length_min,
        prefer=Preference(**asdict(body.prefer)) if body.prefer else Preference(),
        override=tuple(body.override),
        customer_id=body.customer_id,
        contact=contact_from(customer.name, customer.phone, customer.email, "body.customer"),
        somebody=bool(body.customer_id or customer.phone or customer.email),
    )


def _units(request: Request) -> "Units":
    from chalicelib.booking.series.finish import Units

    def silent() -> Unit:
        return Unit(request.company_id, request.actor, correlation_id=request.id, clock=request.clock)

    return Units(lambda: request.unit(show_series), silent)


def _calcom() -> "CalCom":
    from chalicelib.vendors.calcom import connected

    return connected()
