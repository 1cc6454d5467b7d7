"""What the outbox's stream wakes."""

from typing import Any

from chalicelib.core import relay
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.queues import LANES

function = Function(__name__)


@function.on_outbox(needs=Needs(writes=("outbox",), sends=LANES))
def relay_outbox(event: dict[str, Any]) -> dict[str, Any]:
    """Put the jobs of new events on their queues."""
    return relay.relay(event)
