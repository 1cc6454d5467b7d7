"""How Cal.com's news reach us: webhooks in the inbox, and asking every five minutes what has changed."""

from contextlib import closing

from chalicelib.booking.jobs import ApplyCalComBooking, ApplyCalComEvent, PollCalCom
from chalicelib.booking.provider import poll as provider_poll
from chalicelib.booking.provider.news import NewsContext, apply_news
from chalicelib.core import inbox
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.integrations.calcom.booking_provider import PROVIDER
from chalicelib.integrations.calcom.translate import NO_SHOW, STATUS_AFTER, told_in
from chalicelib.vendors.calcom.webhook import parse_webhook

TRIGGERS = (*sorted(STATUS_AFTER), NO_SHOW)
"""Webhooks that say something of a booking that concerns us; others are kept, and that is all."""


def apply_delivery(job: ApplyCalComEvent, context: JobContext) -> None:
    """Act on a delivery in the inbox."""
    event = parse_webhook(inbox.load(PROVIDER.name, job.delivery_id))
    if event.trigger not in TRIGGERS:
        log.info("webhook kept", extra={"provider": PROVIDER.name, "trigger": event.trigger})
        return
    news = NewsContext(PROVIDER, context.unit, context.clock, lambda: closing(PROVIDER.connect()))
    apply_news(news, told_in(event))


def poll(job: PollCalCom, context: JobContext) -> None:
    """Act on what has changed; goes on in a moment when there is too much for one job."""
    provider_poll.follow(PROVIDER, context, lambda uid: ApplyCalComBooking(company_id=context.company_id, uid=uid))


def apply_one(job: ApplyCalComBooking, context: JobContext) -> None:
    """Act on one booking."""
    provider_poll.apply_one(PROVIDER, job.uid, context)
