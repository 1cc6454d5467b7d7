"""Seeing that Cal.com still sends us what happens: its subscriptions can be switched off, changed or deleted there."""

from contextlib import closing
from typing import TYPE_CHECKING

from chalicelib.booking.jobs import CheckCalComWebhooks
from chalicelib.core import metrics
from chalicelib.core.errors import Unavailable
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.secrets import secrets_of
from chalicelib.core.settings import settings
from chalicelib.integrations.calcom.news import TRIGGERS

if TYPE_CHECKING:
    from chalicelib.vendors.calcom.account import Account, CalComWebhook

PATH = "/webhooks/calcom"


def check(job: CheckCalComWebhooks, context: JobContext) -> None:
    """Subscribe where there is no subscription, and repair one that would not reach us; warns of either."""
    from chalicelib.vendors.calcom.client import connected

    try:
        client, secrets = connected(), secrets_of("calcom_webhook_secret")
    except Unavailable as error:
        log.info("calcom webhooks not checked", extra={"why": error.code})
        return
    with closing(client):
        mend(client.account(), settings().public_url.rstrip("/") + PATH, secrets)


def mend(account: "Account", url: str, secrets: tuple[str, ...]) -> str | None:
    """What was wrong with the subscription at `url`, now mended; None when nothing was."""
    mine = [webhook for webhook in account.webhooks() if webhook.subscriber_url == url]
    if any(wrong_with(webhook, secrets) is None for webhook in mine):
        return None
    if mine:
        wrong = wrong_with(mine[0], secrets)
        account.resubscribe(mine[0].id, TRIGGERS, secrets[0])
    else:
        wrong = "missing"
        account.subscribe(url, TRIGGERS, secrets[0])
    log.warning("calcom webhook mended", extra={"wrong": wrong})
    metrics.count("CalComWebhookMended", wrong=str(wrong))
    return wrong


def wrong_with(webhook: "CalComWebhook", secrets: tuple[str, ...]) -> str | None:
    """Why a subscription does not bring us everything, if so. A secret that is not shown is taken for right."""
    if not webhook.active:
        return "inactive"
    if set(TRIGGERS) - set(webhook.triggers):
        return "triggers"
    if webhook.secret is not None and webhook.secret not in secrets:
        return "secret"
    return "template" if webhook.payload_template else None
