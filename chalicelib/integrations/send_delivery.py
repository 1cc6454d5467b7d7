"""Sending a delivery: signed, at least once, with growing waits, every attempt in the log."""

from datetime import datetime

import msgspec

from chalicelib.core import metrics, vault
from chalicelib.core.errors import Stale
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.logging import log
from chalicelib.integrations import store, webhook_signature
from chalicelib.integrations.events import EndpointSwitchedOff
from chalicelib.integrations.jobs import DeliverWebhook
from chalicelib.integrations.webhook_endpoint import Delivery, Endpoint
from chalicelib.integrations.webhook_transport import post

LONGEST_POSTPONEMENT = 900
GONE = 410


def deliver(job: DeliverWebhook, context: JobContext) -> None:
    """One attempt, when it is due. A crash after sending and before noting it sends again: receivers know the id."""
    endpoint, delivery = store.find_delivery(job.company_id, job.endpoint_id, job.delivery_id)
    if endpoint is None or delivery is None or delivery.state != "pending" or endpoint.off_because:
        return
    _wait_until_due(delivery, context.clock())
    at = context.clock()
    body = delivery.body.encode()
    secrets = [vault.unseal(job.company_id, endpoint.id, sealed) for sealed in endpoint.signing(at)]
    attempt = post(endpoint.url, body, webhook_signature.headers(delivery.id, body, secrets, at), at)
    after = delivery.after(attempt)
    log.info("webhook sent", extra={"endpoint_id": endpoint.id, "status": attempt.status, "state": after.state})
    metrics.count("WebhookAttempt", state=after.state)
    unit = context.unit()
    store.save_delivery(unit, after)
    if attempt.status == GONE or after.state == "failed":
        off = msgspec.structs.replace(
            endpoint, off_because="gone" if attempt.status == GONE else "failing", version=endpoint.version + 1
        )
        store.save_endpoint(unit, off)
        unit.publish(EndpointSwitchedOff(endpoint_id=endpoint.id, reason=str(off.off_because)))
        unit.audit("webhook_endpoint.switched_off", endpoint.id, ("off_because",), reason=str(off.off_because))
    try:
        unit.commit()
    except Stale:  # sent again by hand, or the endpoint was changed, meanwhile: look at it anew
        raise Postpone(1, "it changed meanwhile") from None
    _wait_until_due(after, context.clock())


def _wait_until_due(delivery: Delivery, now: datetime) -> None:
    if delivery.state != "pending" or delivery.next_at is None or delivery.next_at <= now:
        return
    seconds = min(int((delivery.next_at - now).total_seconds()) + 1, LONGEST_POSTPONEMENT)
    raise Postpone(seconds, f"due at {delivery.next_at}")


def switched_on(endpoint: Endpoint) -> Endpoint:
    """The endpoint, told of what happens from now on."""
    return msgspec.structs.replace(endpoint, off_because=None, version=endpoint.version + 1)
