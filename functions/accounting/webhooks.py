"""Where Fatture in Cloud tells what happened to records, and asks whether an address is ours."""

from typing import Annotated

import msgspec

from chalicelib.accounting import account_store, notifications, subscription_store
from chalicelib.accounting.event import GROUPS, Group
from chalicelib.accounting.subscription import sinks_of
from chalicelib.core import metrics
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import NotFound, Unauthenticated
from chalicelib.core.function import Function
from chalicelib.core.logging import log
from chalicelib.core.needs import Needs
from chalicelib.core.payloads import Answer, Query
from chalicelib.core.requests import Request
from chalicelib.core.settings import settings
from chalicelib.core.unit import Actor, Unit
from chalicelib.vendors.fattureincloud import webhook as fic

function = Function(__name__)
FIC = Actor("vendor", "fic")
PATH = "/webhooks/fic/{account_id}/{event_group}"


class ChallengeQuery(Query, forbid_unknown_fields=False):
    """The challenge, where the subscription was made with `verification_method` query."""

    challenge: Annotated[str, msgspec.Meta(max_length=256)] | None = msgspec.field(default=None, name=fic.CHALLENGE)


class ChallengeAnswer(Answer):
    """The challenge, back again."""

    verification: str


@function.route(
    "GET",
    PATH,
    also=(f"/api{PATH}",),
    ability=PUBLIC,
    needs=Needs(reads=("directory", "syncing")),
    errors=("bad_signature 401", "no_challenge 422", "fic_account_not_found 404"),
)
def answer_fic_challenge(request: Request, account_id: str, event_group: str, query: ChallengeQuery) -> ChallengeAnswer:
    """Show Fatture in Cloud that this address wants its events: the challenge, from header or query, comes back."""
    _sender(request, account_id, event_group)
    challenge = fic.challenge_in(request.headers, {fic.CHALLENGE: query.challenge or ""})
    return ChallengeAnswer(verification=challenge)


@function.route(
    "POST",
    PATH,
    also=(f"/api{PATH}",),
    ability=PUBLIC,
    idempotent=False,
    status=204,
    needs=Needs(writes=("inbox", "syncing"), reads=("directory",)),
    errors=("bad_signature 401", "fic_account_not_found 404"),
)
def receive_fic(request: Request, account_id: str, event_group: str) -> None:
    """Take an event of Fatture in Cloud's: kept once, acted on by a job. Signed by the JWT in `Authorization`."""
    sender = _sender(request, account_id, event_group)
    event = fic.parse_event(request.headers, request.raw)
    fic.verify_event(sender.claims, event)
    unit = Unit(sender.company_id, FIC)
    fresh = notifications.receive(unit, sender.account_id, sender.group, event, now())
    known = event.about is not None or event.type == fic.WELCOME
    if not known:
        metrics.count("UnknownWebhookEvent", vendor="fic")
    log.info("webhook", extra={"vendor": "fic", "event": event.type, "known": known, "fresh": fresh})


class _Sender(msgspec.Struct, frozen=True):
    company_id: str
    account_id: str
    group: Group
    claims: fic.Claims


def _sender(request: Request, ref: str, group: str) -> _Sender:
    """Whose account it is, and what FIC has signed for this address of it."""
    owner = account_store.whose(ref)
    if owner is None or group not in GROUPS:
        raise NotFound("fic_account_not_found", f"There is no Fatture in Cloud account {ref} with {group}.")
    company_id, account_id = owner
    token, key = request.header("authorization"), settings().fic_webhook_public_key
    try:
        claims = fic.verify_token(token, sinks_of(settings().public_url, ref, group), key, now())
    except Unauthenticated:
        # It may have been subscribed to under another name of ours, which only the subscription knows.
        known = subscription_store.find_subscription(company_id, account_id, group)
        if known is None:
            raise
        claims = fic.verify_token(token, (known.sink,), key, now())
    return _Sender(company_id, account_id, group, claims)
