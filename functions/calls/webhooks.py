"""Where Retell tells about calls, and where its agent calls our functions."""

from hashlib import sha256
from typing import Any

from chalicelib.calls.jobs import RecordCall
from chalicelib.core import inbox, metrics
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.inbox import Delivery
from chalicelib.core.logging import log
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.core.secrets import secrets_of
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors import retell

function = Function(__name__)
AGENT = Actor("vendor", "retell")
RECORDED = frozenset({"call_started", "call_ended", "call_analyzed"})


@function.route(
    "POST",
    "/webhooks/retell",
    ability=PUBLIC,
    idempotent=False,
    status=204,
    needs=Needs(writes=("inbox",), secrets=("retell_api_key",)),
    errors=("bad_signature 401",),
)
def receive_retell(request: Request) -> None:
    """Take a delivery of Retell's: kept once, acted on by a job. Signed by `X-Retell-Signature` over the raw body."""
    retell.verify_signature(request.raw, request.header("x-retell-signature"), secrets_of("retell_api_key"), now())
    name = retell.event_name(request.raw)
    known = name in RECORDED
    if known:
        delivery_id = retell.delivery_id(retell.parse_call_event(request.raw))
    else:  # kept as it is, whatever it holds; the same bytes are the same delivery
        delivery_id = f"{name}:{sha256(request.raw).hexdigest()}"
        metrics.count("UnknownWebhookEvent", vendor="retell")
    job = RecordCall(company_id=inbox.PLATFORM, delivery_id=delivery_id) if known else None
    unit = Unit(inbox.PLATFORM, AGENT, correlation_id=request.id)
    fresh = inbox.receive(unit, Delivery("retell", delivery_id, name, request.raw), job)
    log.info("webhook", extra={"vendor": "retell", "event": name, "known": known, "fresh": fresh})


@function.route(
    "POST",
    "/webhooks/retell/function",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(
        writes=("booking", "occupancy", "crm", "calls", "directory"), secrets=("retell_api_key", "calcom_api_key")
    ),
    errors=("bad_signature 401", "branch_not_found 404", "calendar_busy 503"),
)
def call_agent_function(request: Request) -> dict[str, Any]:
    """Do what the voice agent asks during a call: `check_availability`, `book_appointment`, `list_my_appointments`,
    `reschedule_appointment`, `cancel_appointment`, `take_message`, `transfer_to_staff`.

    Answers prose in `message` for the agent to say, in the branch's language, and data beside it. The same call,
    function and arguments again get the same answer.
    """
    retell.verify_signature(request.raw, request.header("x-retell-signature"), secrets_of("retell_api_key"), now())
    from chalicelib.calls.agent import Tools, call_function

    call = retell.parse_function_call(request.raw)
    log.info("agent function", extra={"function": call.name, "retell_call_id": call.call.call_id})
    tools = Tools(lambda company_id: Unit(company_id, AGENT, correlation_id=request.id), now)
    return call_function(call, tools)


@function.route(
    "POST",
    "/webhooks/retell/inbound",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=("directory", "booking", "crm"), secrets=("retell_api_key",)),
    errors=("bad_signature 401",),
)
def answer_inbound_call(request: Request) -> dict[str, Any]:
    """Tell the voice agent what it should know before it speaks: open now?, branch, language, who is calling.

    Every variable is a text; a number that belongs to nobody gets none.
    """
    retell.verify_signature(request.raw, request.header("x-retell-signature"), secrets_of("retell_api_key"), now())
    from chalicelib.calls.inbound import variables

    call = retell.parse_inbound_call(request.raw)
    return {"call_inbound": {"dynamic_variables": variables(call.from_number, call.to_number, now)}}
