"""Series: checked as a whole, booked all or as far as they are free, changed from one of their appointments on."""

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chalicelib.booking.practice.policy import Overrides
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Aware, Text
from chalicelib.core.requests import Request
from functions.booking.bodies import (
    ChangeBody,
    CustomerBody,
    Metadata,
    PreferenceBody,
    TimeBody,
    contact_in,
    preference_in,
)
from functions.booking.series_answers import CheckedAnswer, RecurrenceBody, SeriesAnswer, run_of, show_plan, show_series

if TYPE_CHECKING:
    from chalicelib.booking.series.context import SeriesRequest

function = Function(__name__)
Scope = Literal["one", "following", "all"]
WRITES = Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",))
CHANGES = Needs(writes=("booking", "occupancy", "directory"), reads=("crm",), secrets=("calcom_api_key",))
REFUSALS = ("branch_not_found 404", "customer_not_found 404", "customer_unsure 409")
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


class SeriesToCheck(TimeBody, kw_only=True):
    """What to look at. `starts_at` is the first time; the others have its time of day on the branch's clock.

    The customer may be left out; the limits, blocks and consultations that depend on who it is show when booking.
    """

    recurrence: RecurrenceBody
    prefer: PreferenceBody | None = None
    override: Overrides = msgspec.field(default_factory=list)
    customer_id: Text | None = None
    customer: CustomerBody | None = None

    def request(self, company_id: str, **more: Any) -> "SeriesRequest":
        """What it asks for; raises Invalid for a contact that is none."""
        from chalicelib.booking.series.context import SeriesRequest

        return SeriesRequest(
            **self.slot(),
            recurrence=self.recurrence.model(),
            prefer=preference_in(self.prefer),
            override=tuple(self.override),
            customer_id=self.customer_id,
            contact=contact_in(self.customer, company_id, self.branch_id),
            **more,
        )


class NewSeries(SeriesToCheck, kw_only=True):
    """What to book. `on_conflict` none: nothing, unless all times can be had; skip: those that can.

    `override` takes the ability `appointments:override`.
    """

    on_conflict: Literal["none", "skip"] = "none"
    source: Literal["api", "web", "mobile"] = "api"
    metadata: Metadata = msgspec.field(default_factory=dict)


class SeriesQuery(PageQuery):
    """Of one customer, or all."""

    customer_id: Text | None = None


class SeriesCancellation(ChangeBody, kw_only=True):
    """Which, told from `appointment_id`: that one, it and those that follow, or all. `version`: of that one."""

    appointment_id: Text
    scope: Scope


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

    return show_plan(check(request.company_id, body.request(request.company_id), now))


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
    from chalicelib.booking.series.book import book_series as book

    if body.override:
        request.require("appointments:override")
    given = {name: getattr(body, name) for name in ("on_conflict", "source", "metadata")}
    return show_series(book(run_of(request, show_series), body.request(request.company_id, **given)))


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
    return _change(request, series_id, body, kind="reschedule", starts_at=body.starts_at, staff=body.staff)


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
    return _change(request, series_id, body, kind="cancel")


def _change(request: Request, series_id: str, body: SeriesCancellation, **more: Any) -> SeriesAnswer:
    from chalicelib.booking.series.change import change_series
    from chalicelib.booking.series.series import Change

    given = {name: getattr(body, name) for name in ("appointment_id", "scope", "reason")}
    change = Change(by=str(request.actor), **given, **more)
    return show_series(change_series(run_of(request, show_series), series_id, change, body.version))
