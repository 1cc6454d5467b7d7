"""The waiting list, for staff."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import asdict

from chalicelib.booking.practice.hours import Span
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import Outcome, Range, Status, WaitlistEntry
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer
from chalicelib.core.requests import Request
from functions.booking.waiting_wishes import EXAMPLE, WaitingBody, wish_from

function = Function(__name__)
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewWaiting(WaitingBody):
    """As above; the customer by id, or by phone or e-mail."""

    customer_id: Text | None = None
    source: Literal["api", "web", "mobile"] = "api"


class WaitingQuery(PageQuery):
    """Narrowed by any of these."""

    branch_id: Text | None = None
    customer_id: Text | None = None
    status: Status | None = None


class WaitingOffer(Answer):
    """A time that was offered, and what became of it. `by`: text or mail."""

    id: str
    service_id: str
    staff_id: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    by: str
    outcome: Outcome
    made_at: datetime


class WaitingPreferred(Answer):
    """Who it is to be."""

    gender: str | None
    language: str | None
    skill: str | None


class WaitingAnswer(Answer):
    """A place on the waiting list. `status`: waiting, offered, booked, withdrawn, expired."""

    id: str
    branch_id: str
    customer_id: str
    service_ids: tuple[str, ...]
    days: tuple[Range, ...]
    weekdays: tuple[int, ...]
    times: tuple[Span, ...]
    staff_ids: tuple[str, ...]
    prefer: WaitingPreferred
    length_min: int | None
    source: str
    status: Status
    offers: list[WaitingOffer]
    appointment_id: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    version: int


@function.route(
    "POST",
    "/api/waiting-list",
    ability="appointments:write",
    status=201,
    needs=Needs(writes=("booking", "crm")),
    errors=("branch_not_found 404", "customer_not_found 404", "waits_already 409", "storage_busy 503"),
    example=EXAMPLE,
)
def join_waiting_list(request: Request, body: NewWaiting) -> WaitingAnswer:
    """Put a customer on the waiting list, for thirty days unless said otherwise.

    What becomes free is offered to the best match first, by text or mail, and kept meanwhile; then to the next.
    """
    from chalicelib.booking.waitlist.join import join

    wish = wish_from(body, customer_id=body.customer_id, source=body.source)
    return show_waiting(join(lambda: request.unit(show_waiting), request.company_id, wish, now))


@function.route(
    "GET",
    "/api/waiting-list",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
)
def list_waiting(request: Request, query: WaitingQuery) -> Page[WaitingAnswer]:
    """Who waits, or has waited, by branch and since when."""
    found = waitlist_store.page_waiting(
        request.company_id,
        branch_id=query.branch_id,
        customer_id=query.customer_id,
        status=query.status,
        limit=query.limit,
        cursor=query.cursor,
    )
    return found.map(show_waiting)


@function.route(
    "GET",
    "/api/waiting-list/{waiting_id}",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("waiting_not_found 404",),
)
def show_one_waiting(request: Request, waiting_id: str) -> WaitingAnswer:
    """One place on the list, with all that was offered."""
    return show_waiting(waitlist_store.get(request.company_id, waiting_id))


@function.route(
    "DELETE",
    "/api/waiting-list/{waiting_id}",
    ability="appointments:write",
    status=204,
    needs=Needs(writes=("booking", "occupancy")),
    errors=("waiting_not_found 404", "waiting_booked 409", "storage_busy 503"),
)
def leave_waiting_list(request: Request, waiting_id: str) -> None:
    """Take a customer off the list; a time that was offered to him is offered to the next."""
    from chalicelib.booking.waitlist.join import withdraw

    withdraw(lambda: request.unit(show_waiting), request.company_id, waiting_id, now)


def show_waiting(waiting: WaitlistEntry) -> WaitingAnswer:
    """The place on the list as staff see it."""
    given = {name: getattr(waiting, name) for name in WaitingAnswer.__struct_fields__}
    given["prefer"] = WaitingPreferred(**asdict(waiting.prefer))
    given["offers"] = [
        WaitingOffer(**{name: getattr(one, name) for name in WaitingOffer.__struct_fields__}) for one in waiting.offers
    ]
    return WaitingAnswer(**given)
