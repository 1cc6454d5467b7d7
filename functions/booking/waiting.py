"""The waiting list, for staff."""

from datetime import datetime
from typing import Literal

from msgspec.structs import asdict

from chalicelib.booking.practice.hours import Span
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.entry import Outcome, Range, Status, WaitlistEntry
from chalicelib.booking.waitlist.store import WaitlistFilter
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Text
from chalicelib.core.requests import Request
from functions.booking.waitlist_body import EXAMPLE, WaitlistBody

function = Function(__name__)


class NewWaitlistEntry(WaitlistBody):
    """As above; the customer by id, or by phone or e-mail."""

    customer_id: Text | None = None
    source: Literal["api", "web", "mobile"] = "api"


class WaitlistQuery(PageQuery):
    """Narrowed by any of these."""

    branch_id: Text | None = None
    customer_id: Text | None = None
    status: Status | None = None


class MadeOfferAnswer(Answer):
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


class PreferenceAnswer(Answer):
    """Who it is to be."""

    gender: str | None
    language: str | None
    skill: str | None


class WaitlistEntryAnswer(Answer):
    """An entry of the waiting list. `status`: waiting, offered, booked, withdrawn, expired."""

    id: str
    branch_id: str
    customer_id: str
    service_ids: tuple[str, ...]
    days: tuple[Range, ...]
    weekdays: tuple[int, ...]
    times: tuple[Span, ...]
    staff_ids: tuple[str, ...]
    prefer: PreferenceAnswer
    length_min: int | None
    source: str
    status: Status
    offers: list[MadeOfferAnswer]
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
    errors=(
        "branch_not_found 404",
        "customer_not_found 404",
        "customer_unsure 409",
        "waits_already 409",
        "storage_busy 503",
    ),
    example=EXAMPLE,
)
def join_waiting_list(request: Request, body: NewWaitlistEntry) -> WaitlistEntryAnswer:
    """Put a customer on the waiting list, for thirty days unless said otherwise.

    What becomes free is offered to the best match first, by text or mail, and kept meanwhile; then to the next.
    """
    from chalicelib.booking.waitlist.join import join

    waitlist_request = body.request(request.company_id, customer_id=body.customer_id, source=body.source)
    return _show(join(lambda: request.unit(_show), request.company_id, waitlist_request, now))


@function.route(
    "GET",
    "/api/waiting-list",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
)
def list_waiting(request: Request, query: WaitlistQuery) -> Page[WaitlistEntryAnswer]:
    """Who waits, or has waited, by branch and since when."""
    return waitlist_store.page_entries(request.company_id, WaitlistFilter(**asdict(query))).map(_show)


@function.route(
    "GET",
    "/api/waiting-list/{waiting_id}",
    ability="appointments:read",
    needs=Needs(reads=("booking",)),
    errors=("waiting_not_found 404",),
)
def show_one_waiting(request: Request, waiting_id: str) -> WaitlistEntryAnswer:
    """One entry of the list, with all that was offered."""
    return _show(waitlist_store.get(request.company_id, waiting_id))


@function.route(
    "DELETE",
    "/api/waiting-list/{waiting_id}",
    ability="appointments:write",
    status=204,
    needs=Needs(writes=("booking", "occupancy")),
    errors=("waiting_not_found 404", "waiting_booked 409", "storage_busy 503"),
)
def leave_waiting_list(request: Request, waiting_id: str) -> None:
    """Take a customer off the list; a time that was offered to them is offered to the next."""
    from chalicelib.booking.waitlist.end_offer import withdraw

    withdraw(lambda: request.unit(_show), request.company_id, waiting_id, now)


def _show(entry: WaitlistEntry) -> WaitlistEntryAnswer:
    given = {name: getattr(entry, name) for name in WaitlistEntryAnswer.__struct_fields__}
    given["prefer"] = PreferenceAnswer(**asdict(entry.prefer))
    fields = MadeOfferAnswer.__struct_fields__
    given["offers"] = [MadeOfferAnswer(**{name: getattr(offer, name) for name in fields}) for offer in entry.offers]
    return WaitlistEntryAnswer(**given)
