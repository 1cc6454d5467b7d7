"""How the system itself is, for who looks after it."""

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import SWITCHES, Needs
from chalicelib.core.ops_health import OpsHealth, look
from chalicelib.core.queues import LANES
from chalicelib.core.requests import Request

function = Function(__name__)


@function.route(
    "GET",
    "/api/ops/health",
    ability="ops:read",
    needs=Needs(reads=("heartbeats", "outbox", SWITCHES), watches=LANES, metrics=True),
)
def show_ops_health(request: Request) -> OpsHealth:
    """Which workers, relay and schedules live, what they did last, how much waits for them, and what is switched off.

    They note once a minute at most that they ran; `ok` says whether anything wants attention.
    """
    return look(now())
