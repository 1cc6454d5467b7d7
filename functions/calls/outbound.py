"""Calling out, missed calls, and the list of those who do not want to be called."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from chalicelib.calls import phone_store
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.pages import Page, PageQuery
from chalicelib.core.payloads import Answer, Body, Text
from chalicelib.core.requests import Request
from chalicelib.messaging import store as messaging
from chalicelib.messaging.refusal import Refusal

function = Function(__name__)
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Value = Annotated[str, msgspec.Meta(max_length=1000)]


class NewCall(Body):
    """Who calls whom. `agent`: the voice agent calls `to` (or the customer), and may say `variables`.

    `staff`: one of the branch's staff numbers rings, and whoever answers is connected. National numbers are read as the
    branch's country's. `staff_number` may be left out where the branch has only one.
    """

    kind: Literal["agent", "staff"]
    branch_id: Text
    to: Text | None = None
    customer_id: Text | None = None
    staff_number: Text | None = None
    variables: Annotated[dict[Name, Value], msgspec.Meta(max_length=50)] = {}


class VoicemailAnswer(Answer):
    """What the caller left; Twilio asks for the account's credentials at `url`."""

    url: str
    seconds: int | None


class PhoneCallAnswer(Answer):
    """A call on the telephone. `status` held: the vendor has not said yet whether it took it; lost: it never did.

    `outcome` of an incoming call: open, answered (by staff or agent) or missed. `text_back`: queued, or why a missed
    caller gets no text. `vendor_id`: Twilio's id, or Retell's, under which `/api/calls/{id}` shows the conversation.
    """

    id: str
    branch_id: str
    direction: str
    through: str
    status: str
    outcome: str
    answered_by: str | None
    our_number: str
    caller: str | None
    other: str | None
    staff_number: str | None
    customer_id: str | None
    vendor_id: str | None
    text_back: str | None
    voicemail: VoicemailAnswer | None
    failure: str | None
    started_at: datetime
    ended_at: datetime | None
    seconds: int | None
    version: int


class RefusedNumber(Body):
    """Why, and whether texts are unwanted as well."""

    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    texts: bool = True


class RefusalAnswer(Answer):
    """A number that is not to be called (`calls`) or texted (`texts`). `reason` stop: it answered a text with STOP."""

    number: str
    calls: bool
    texts: bool
    reason: str
    created_at: datetime


EXAMPLE = {"kind": "staff", "branch_id": "bra_00D1ZMFH9MM3HK4Z12GC", "to": "+4915155512345"}


@function.route(
    "POST",
    "/api/calls",
    ability="calls:write",
    status=201,
    needs=Needs(
        reads=("booking", "crm", "messaging"),
        writes=("calls", "directory"),
        secrets=("twilio_account_sid", "twilio_auth_token", "retell_api_key"),
    ),
    errors=("do_not_call 409", "quiet_hours 409", "branch_not_found 404", "customer_not_found 404"),
    example=EXAMPLE,
)
def start_call(request: Request, body: NewCall) -> PhoneCallAnswer:
    """Let the agent or a member of staff call somebody.

    Answers 409 `do_not_call`, or `quiet_hours` with `next_allowed_at`. Not at all twice: a lost answer of the vendor's
    leaves the call `held` until the vendor was asked what became of it.
    """
    from chalicelib.calls.call_out import OutboundCall, Vendors, start
    from chalicelib.vendors.retell import client as retell_client
    from chalicelib.vendors.twilio import client as twilio

    call = OutboundCall(
        kind=body.kind,
        branch_id=body.branch_id,
        to=body.to,
        customer_id=body.customer_id,
        staff_number=body.staff_number,
        variables=body.variables,
    )
    vendors = Vendors(twilio.connected, retell_client.connected)
    return show(start(lambda: request.unit(show), request.company_id, call, now, vendors))


@function.route(
    "GET",
    "/api/phone-calls/{phone_call_id}",
    ability="calls:read",
    needs=Needs(reads=("calls",)),
    errors=("phone_call_not_found 404",),
)
def show_phone_call(request: Request, phone_call_id: str) -> PhoneCallAnswer:
    """One call on the telephone, incoming or outgoing."""
    return show(phone_store.get(request.company_id, phone_call_id))


@function.route("GET", "/api/missed-calls", ability="calls:read", needs=Needs(reads=("calls",)))
def list_missed_calls(request: Request, query: PageQuery) -> Page[PhoneCallAnswer]:
    """Calls that nobody answered, the newest first, with what was left on the mailbox."""
    return phone_store.page_missed(request.company_id, limit=query.limit, cursor=query.cursor).map(show)


@function.route("GET", "/api/do-not-call", ability="calls:read", needs=Needs(reads=("messaging",)))
def list_refused_numbers(request: Request, query: PageQuery) -> Page[RefusalAnswer]:
    """Numbers that are not to be called or texted, the newest first."""
    return messaging.page_refusals(request.company_id, limit=query.limit, cursor=query.cursor).map(_show_refusal)


@function.route(
    "PUT",
    "/api/do-not-call/{number}",
    ability="calls:write",
    needs=Needs(writes=("messaging", "crm")),
)
def refuse_number(request: Request, number: str, body: RefusedNumber) -> RefusalAnswer:
    """Put a number (E.164) on the list, and mark the customer who has it. Again changes nothing but the reason."""
    from chalicelib.calls.do_not_call import put

    new_unit = request.unit
    return _show_refusal(put(new_unit, number, now, texts=body.texts, reason=body.reason))


@function.route(
    "DELETE",
    "/api/do-not-call/{number}",
    ability="calls:write",
    status=204,
    needs=Needs(writes=("messaging", "crm")),
    errors=("not_on_the_list 404",),
)
def allow_number(request: Request, number: str) -> None:
    """Take a number off the list, and the mark off its customer."""
    from chalicelib.calls.do_not_call import remove

    remove(request.unit, number, now)


def show(call: PhoneCall) -> PhoneCallAnswer:
    """The call as clients see it."""
    known = {name: getattr(call, name) for name in PhoneCallAnswer.__struct_fields__}
    left = call.voicemail
    known["voicemail"] = VoicemailAnswer(url=left.url, seconds=left.seconds) if left else None
    return PhoneCallAnswer(**known)


def _show_refusal(refusal: Refusal) -> RefusalAnswer:
    return RefusalAnswer(**{name: getattr(refusal, name) for name in RefusalAnswer.__struct_fields__})
