"""Throttling what needs no token: so many requests a minute from one address, counted for all Lambdas together."""

import hashlib
from datetime import datetime

from pynamodb.exceptions import UpdateError

from chalicelib.core.addresses import network_of
from chalicelib.core.clock import epoch
from chalicelib.core.errors import RateLimited
from chalicelib.core.logging import log
from chalicelib.core.rows import GuardRow

WINDOW_SECONDS = 60


def count(what: str, address: str, now: datetime, *, most: int) -> None:
    """Count a request of the network of `address` (kept as its digest only); raises RateLimited beyond `most` a minute.

    One UpdateItem, no unit. When it fails the request goes on: a reader is not turned away for our trouble.
    """
    at = epoch(now)
    window = at - at % WINDOW_SECONDS
    row = GuardRow(f"throttle#{what}#{digest(network_of(address))}#{window}", "guard")
    below = GuardRow.tally.does_not_exist() | (GuardRow.tally < most)
    try:
        row.update([GuardRow.tally.add(1), GuardRow.expires_at.set(window + 2 * WINDOW_SECONDS)], below)
    except UpdateError as error:
        if error.cause_response_code == "ConditionalCheckFailedException":
            wait = window + WINDOW_SECONDS - at
            raise RateLimited(
                "too_many_requests", f"Too many requests; wait {wait} seconds.", retry_after=wait
            ) from None
        log.warning("request not counted", extra={"what": what, "why": error.cause_response_code})


def digest(address: str) -> str:
    """An address as a key: what is stored shall not say where someone lives on the net."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]
