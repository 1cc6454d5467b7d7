"""Figures of a practice, each from counters that events keep up; dates are the branch's own, both ends included."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import msgspec

from chalicelib.analytics.figures import (
    Cancellations,
    Conversion,
    Demand,
    LeadTime,
    PopularTimes,
    Recent,
    Sources,
    Utilisation,
)
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Query
from chalicelib.core.requests import Request

if TYPE_CHECKING:
    from chalicelib.analytics.periods import Range

function = Function(__name__)
READS = Needs(reads=("analytics", "booking"))
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
ERRORS = ("branch_not_found 404",)


class BranchQuery(Query):
    """`branch_id`: all branches unless given."""

    branch_id: Id | None = None


class RangeQuery(BranchQuery):
    """The last thirty days unless said otherwise; up to 62 days day by day, up to 731 by months."""

    first: date | None = msgspec.field(default=None, name="from")
    last: date | None = msgspec.field(default=None, name="to")


@function.route("GET", "/api/analytics/conversion", ability="analytics:read", needs=READS, errors=ERRORS)
def show_conversion(request: Request, query: RangeQuery) -> Conversion:
    """Searches of free times, and the bookings made online in the same days."""
    from chalicelib.analytics import figures, read_figures

    return figures.conversion(read_figures.with_searches(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/lead-time", ability="analytics:read", needs=READS, errors=ERRORS)
def show_lead_time(request: Request, query: RangeQuery) -> LeadTime:
    """How long ahead people book, by the day on which they do."""
    from chalicelib.analytics import figures, read_figures

    return figures.lead_time(read_figures.read(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/cancellations", ability="analytics:read", needs=READS, errors=ERRORS)
def show_cancellations(request: Request, query: RangeQuery) -> Cancellations:
    """What was cancelled, declined, missed and kept, by the day on which it was due."""
    from chalicelib.analytics import figures, read_figures

    return figures.cancellations(read_figures.read(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/utilisation", ability="analytics:read", needs=READS, errors=ERRORS)
def show_utilisation(request: Request, query: RangeQuery) -> Utilisation:
    """Booked minutes of those in which staff are there; what is available is written down every night."""
    from chalicelib.analytics import figures, read_figures

    return figures.utilisation(read_figures.with_available(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/popular-times", ability="analytics:read", needs=READS, errors=ERRORS)
def show_popular_times(request: Request, query: RangeQuery) -> PopularTimes:
    """How many appointments begin in which hour of the week, by the branch's clock; without what was called off."""
    from chalicelib.analytics import figures, read_figures

    return figures.popular_times(read_figures.read(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/services", ability="analytics:read", needs=READS, errors=ERRORS)
def show_service_demand(request: Request, query: RangeQuery) -> Demand:
    """Which services are due in these days, the most wanted first."""
    from chalicelib.analytics import figures, read_figures

    return figures.demand(read_figures.read(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/sources", ability="analytics:read", needs=READS, errors=ERRORS)
def show_sources(request: Request, query: RangeQuery) -> Sources:
    """By which way the bookings made in these days came."""
    from chalicelib.analytics import figures, read_figures

    return figures.sources(read_figures.read(request.company_id, query.branch_id, _range(request, query)))


@function.route("GET", "/api/analytics/recent", ability="analytics:read", needs=READS, errors=ERRORS)
def show_recent(request: Request, query: BranchQuery) -> Recent:
    """The last thirty days, up to seconds ago: by source, how long ahead, how many on a day with any."""
    from chalicelib.analytics import figures, periods, read_figures

    span = periods.range_of(None, None, read_figures.today(request.company_id, query.branch_id, now))
    return figures.recent(read_figures.read(request.company_id, query.branch_id, span))


def _range(request: Request, query: RangeQuery) -> "Range":
    from chalicelib.analytics import periods, read_figures

    today = query.last or read_figures.today(request.company_id, query.branch_id, now)
    return periods.range_of(query.first, query.last, today)
