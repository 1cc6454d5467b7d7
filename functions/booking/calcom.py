"""Where Cal.com tells what happened to bookings, and is asked by the clock, with this stage's own key."""

from chalicelib.booking.jobs import ApplyCalComEvent, CheckCalComWebhooks, PollCalCom
from chalicelib.core import inbox, metrics
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.events import Job
from chalicelib.core.function import Function
from chalicelib.core.inbox import Delivery
from chalicelib.core.logging import log
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.core.secrets import secrets_of
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors.calcom import webhook as calcom_webhook

function = Function(__name__)


@function.route(
    "POST",
    "/webhooks/calcom",
    ability=PUBLIC,
    idempotent=False,
    status=204,
    needs=Needs(writes=("inbox",), secrets=("calcom_webhook_secret",)),
    errors=("bad_signature 401",),
)
def receive_calcom(request: Request) -> None:
    """Take a delivery of Cal.com's: kept once, acted on by a job. Signed by `X-Cal-Signature-256` over the raw body."""
    signature = request.header("x-cal-signature-256")
    calcom_webhook.verify_signature(request.raw, signature, secrets_of("calcom_webhook_secret"))
    event = calcom_webhook.parse_webhook(request.raw)
    delivery_id = calcom_webhook.delivery_id(event)
    known = event.trigger in calcom_webhook.BOOKING_TRIGGERS
    job = ApplyCalComEvent(company_id=inbox.PLATFORM, delivery_id=delivery_id) if known else None
    unit = Unit(inbox.PLATFORM, Actor("vendor", "calcom"), correlation_id=request.id)
    fresh = inbox.receive(unit, Delivery("calcom", delivery_id, event.trigger, request.raw), job)
    if not known:
        metrics.count("UnknownWebhookEvent", vendor="calcom")
    log.info("webhook", extra={"vendor": "calcom", "event": event.trigger, "known": known, "fresh": fresh})


@function.every("rate(5 minutes)", needs=Needs(writes=("outbox",)))
def poll_calcom() -> None:
    """Ask Cal.com what has changed, since it sends no webhook twice."""
    _enqueue(PollCalCom(company_id=inbox.PLATFORM))


@function.every("rate(1 hour)", needs=Needs(writes=("outbox",)))
def check_calcom_webhooks() -> None:
    """See that Cal.com still sends us webhooks, and subscribe anew where it does not."""
    _enqueue(CheckCalComWebhooks(company_id=inbox.PLATFORM))


def _enqueue(job: Job) -> None:
    unit = Unit(inbox.PLATFORM)
    unit.enqueue(job)
    unit.commit()
