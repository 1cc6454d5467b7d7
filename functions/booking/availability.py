"""Free times, for those with a token; with why a time is not free."""

from datetime import date
from typing import Annotated

import msgspec

from chalicelib.booking.practice.models import Gender
from chalicelib.core.clock import now
from chalicelib.core.errors import invalid
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Aware, Query, Text
from chalicelib.core.requests import Request
from functions.booking.addresses import Latitude, Longitude
from functions.booking.availability_answers import AvailabilityAnswer, counted, search_query, show
from functions.booking.bodies import Length

function = Function(__name__)


class AvailabilityQuery(Query):
    """Several of `service` (id or name) and `branch_id` at once. Days `from` (today) to `to` (that day), 62 at most.

    `zone`: whose clock days and times are on (the branch's). `staff`: an id, or `any`; or what is preferred: `gender`,
    `language`, `skill`. `length_min`: for a service of flexible length. `limit`: slots per service and branch.
    `explain` with `at`: why nothing begins then. `latitude`, `longitude`: where the customer is, for mobile services.
    `customer_id`: for whom, so that their blocks, consultations and limits count.
    """

    branch_id: list[Text]
    service: list[Text]
    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None
    zone: Text | None = None
    staff: Text | None = None
    gender: Gender | None = None
    language: Text | None = None
    skill: Text | None = None
    length_min: Length | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 500
    explain: bool = False
    at: Aware | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    customer_id: Text | None = None


@function.route(
    "GET",
    "/api/availability",
    ability="appointments:read",
    # `updates`: the compiled schedule is kept in the schedule's own row.
    needs=Needs(reads=("booking", "occupancy", "crm"), updates=("booking", "analytics")),
    errors=("branch_not_found 404", "customer_not_found 404"),
    memory_mb=1024,
)
def show_availability(request: Request, query: AvailabilityQuery) -> AvailabilityAnswer:
    """Free times of services in branches, with who could do it and where; or why a time is not free."""
    from chalicelib.booking.availability import search

    if query.explain != (query.at is not None):
        raise invalid("query.at", "required", "Give `explain=true` and `at` together.")
    if query.at is not None:
        return show(search.explain(request.company_id, search_query(query), query.at, now))
    return show(counted(request.company_id, search.search(request.company_id, search_query(query), now)))
