"""Where Twilio asks what to do with a call, and tells what became of it."""

from chalice.app import Response

from chalicelib.calls.jobs import ApplyPhoneEvent
from chalicelib.core import inbox
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.function import Function
from chalicelib.core.inbox import Delivery
from chalicelib.core.logging import log
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.core.secrets import secrets_of
from chalicelib.core.settings import settings
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors.twilio import webhook as twilio_webhook
from chalicelib.vendors.twilio.twiml import CONTENT_TYPE
from chalicelib.vendors.twilio.webhook import Received, VoiceEvent

function = Function(__name__)
TWILIO = Actor("vendor", "twilio")
SECRETS = ("twilio_auth_token",)


@function.route(
    "POST",
    "/webhooks/twilio/voice",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=("booking",), writes=("calls", "directory"), secrets=SECRETS),
    errors=("bad_signature 401", "branch_not_found 404"),
)
def answer_phone(request: Request) -> Response:
    """Tell Twilio, in TwiML, who is to answer a call: staff, the agent or the mailbox, as the branch has it.

    Also what a Dial or Record asks once it is over. Signed by `X-Twilio-Signature` over URL and parameters.
    """
    event = _verified(request)
    from chalicelib.calls.answer_phone import answer, go_on

    reference = _reference(request)
    if reference:
        return _twiml(go_on(reference, event, lambda company_id: _unit(company_id)))
    return _twiml(answer(event, lambda company_id: _unit(company_id), now))


@function.route(
    "POST",
    "/webhooks/twilio/voice/bridge",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=("booking", "calls"), secrets=SECRETS),
    errors=("bad_signature 401", "branch_not_found 404"),
)
def bridge_call(request: Request) -> Response:
    """Tell Twilio, in TwiML, to connect a member of staff with the customer they want to call. Signed like the rest."""
    _verified(request)
    from chalicelib.calls.answer_phone import bridge

    return _twiml(bridge(_reference(request)))


@function.route(
    "POST",
    "/webhooks/twilio/voice/status",
    ability=PUBLIC,
    idempotent=False,
    status=204,
    needs=Needs(writes=("inbox",), secrets=SECRETS),
    errors=("bad_signature 401",),
)
def receive_call_status(request: Request) -> None:
    """Take what Twilio tells of a call's status: kept once, acted on by a job. Signed like the rest."""
    _keep(request, "status")


@function.route(
    "POST",
    "/webhooks/twilio/voice/recording",
    ability=PUBLIC,
    idempotent=False,
    status=204,
    needs=Needs(writes=("inbox",), secrets=SECRETS),
    errors=("bad_signature 401",),
)
def receive_recording(request: Request) -> None:
    """Take where a voicemail's recording is: kept once, acted on by a job. Signed like the rest."""
    _keep(request, "recording")


def _keep(request: Request, kind: str) -> None:
    event = _verified(request)
    delivery_id = twilio_webhook.delivery_id(kind, event, request.headers, request.raw)
    job = ApplyPhoneEvent(company_id=inbox.PLATFORM, delivery_id=delivery_id, reference=_reference(request))
    delivery = Delivery("twilio", delivery_id, f"voice.{kind}", request.raw)
    fresh = inbox.receive(_unit(inbox.PLATFORM), delivery, job)
    log.info("webhook", extra={"vendor": "twilio", "event": f"voice.{kind}", "known": True, "fresh": fresh})


def _verified(request: Request) -> VoiceEvent:
    url, keys = settings().public_url, secrets_of("twilio_auth_token")
    received = Received(request.path, request.query, request.headers, request.raw)
    twilio_webhook.verify(url, received, keys)
    return twilio_webhook.parse_voice(request.raw)


def _reference(request: Request) -> str:
    return (request.query.get("call") or [""])[0]


def _unit(company_id: str) -> Unit:
    return Unit(company_id, TWILIO)


def _twiml(text: str) -> Response:
    return Response(body=text, status_code=200, headers={"Content-Type": CONTENT_TYPE})
