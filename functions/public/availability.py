"""Free times for visitors: published branches, services and staff, no reasons, nobody's name."""

from datetime import date
from typing import Annotated

import msgspec

from chalicelib.booking.practice.models import Gender
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Query, Text
from chalicelib.core.requests import Request
from functions.booking.addresses import Latitude, Longitude
from functions.booking.availability_answers import AvailabilityAnswer, counted, search_query, show
from functions.booking.bodies import Length
from functions.public.visits import Company, count

function = Function(__name__)


class PublicAvailabilityQuery(Query):
    """Of one `company`: several of `service` (id or name) and `branch_id` at once.

    Days `from` (today) to `to` (that day), 62 at most, by the clock of `zone` (the branch's). `staff`: an id, or `any`;
    or what is preferred: `gender`, `language`, `skill`. `length_min`: for a service of flexible length. `latitude`,
    `longitude`: where the customer is, for mobile services.
    """

    company: Company
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
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 200
    latitude: Latitude | None = None
    longitude: Longitude | None = None


@function.route(
    "GET",
    "/public/availability",
    ability=PUBLIC,
    needs=Needs(reads=("booking", "occupancy"), updates=("booking", "guards", "analytics")),
    errors=("branch_not_found 404", "too_many_requests 429"),
    memory_mb=1024,
)
def show_public_availability(request: Request, query: PublicAvailabilityQuery) -> AvailabilityAnswer:
    """Free times of services in branches, with who could do it and where."""
    from chalicelib.booking.availability import search

    count(request)
    return show(counted(query.company, search.search(query.company, search_query(query, published=True), now)))
