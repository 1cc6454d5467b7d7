"""Calls with the voice agent."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from chalicelib.calls import chain, store
from chalicelib.calls.call import Call, Transfer
from chalicelib.calls.chain import Chain
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer
from chalicelib.core.requests import Request
from chalicelib.crm.customer import Customer
from functions.booking.answers import AppointmentAnswer, show

function = Function(__name__)


class CallQuery(PageQuery):
    """`status` as Retell names it: registered, ongoing, ended, not_connected, error."""

    status: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class CallAnswer(Answer):
    """A call, without what it led to. `duration_ms` in milliseconds, `cost` as Retell gives it.

    `transfer`: the last time the caller asked for a person, and the number he was put through to, if any.
    """

    id: str
    retell_call_id: str
    branch_id: str | None
    customer_id: str | None
    appointment_id: str | None
    from_number: str | None
    to_number: str | None
    direction: str | None
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    summary: str | None
    sentiment: str | None
    disconnection_reason: str | None
    recording_url: str | None
    cost: float | None
    booking_confirmed: bool
    booking_details: dict[str, Any]
    transfer: Transfer | None
    created_at: datetime


class CustomerAnswer(Answer):
    """A customer."""

    id: str
    name: str
    phone: str | None
    email: str | None


class FullCallAnswer(CallAnswer):
    """A call with its transcript, the customer who called and the appointment that came of it."""

    transcript: str | None
    customer: CustomerAnswer | None
    appointment: AppointmentAnswer | None


@function.route("GET", "/api/calls", ability="calls:read", needs=Needs(reads=("calls",)))
def list_calls(request: Request, query: CallQuery) -> Page[CallAnswer]:
    """Calls, the newest first."""
    found = store.page_calls(request.company_id, status=query.status, limit=query.limit, cursor=query.cursor)
    return found.map(lambda call: CallAnswer(**_fields(call)))


@function.route(
    "GET",
    "/api/calls/{call_id}",
    ability="calls:read",
    needs=Needs(reads=("calls", "booking", "crm", "directory")),
    errors=("call_not_found 404",),
)
def show_call(request: Request, call_id: str) -> FullCallAnswer:
    """One call, by our id or Retell's, with its customer and its appointment."""
    call, transcript = store.read_call(request.company_id, call_id)
    links = chain.follow(call)
    return FullCallAnswer(
        **_fields(links.call),
        transcript=transcript,
        customer=_customer(links.customer),
        appointment=show(links.appointment) if links.appointment else None,
    )


@function.route(
    "GET",
    "/api/calls/{call_id}/chain",
    ability="calls:read",
    needs=Needs(reads=("calls", "booking", "crm", "directory")),
    errors=("call_not_found 404",),
)
def show_chain(request: Request, call_id: str) -> Chain:
    """The nine criteria from call to appointment, and whether each holds."""
    return chain.judge(chain.links_of(request.company_id, call_id))


def _fields(call: Call) -> dict[str, Any]:
    known = {**msgspec.structs.asdict(call.facts), **msgspec.structs.asdict(call.link)}
    known |= {"id": call.id, "created_at": call.created_at, "transfer": call.transfer}
    return {name: known[name] for name in CallAnswer.__struct_fields__}


def _customer(customer: Customer | None) -> CustomerAnswer | None:
    if customer is None:
        return None
    return CustomerAnswer(id=customer.id, name=customer.name, phone=customer.phone, email=customer.email)
