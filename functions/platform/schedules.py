"""Schedules of the platform itself."""

from chalicelib.core import due, relay
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.queues import LANES

function = Function(__name__)


@function.every("rate(1 minute)", needs=Needs(writes=("outbox",), sends=LANES))
def sweep_outbox() -> None:
    """Publish again what has waited in the outbox for over two minutes."""
    relay.sweep(now())


@function.every("rate(1 minute)", needs=Needs(writes=("due",), sends=LANES))
def sweep_due() -> None:
    """Hand what is due within the next three minutes to its queues."""
    due.sweep()
