"""The worker of the queue `messages`, and who takes over its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("messages")
def work_messages(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `messages`."""
    return work("messages", event)


@function.on_dead_letters("messages")
def bury_messages(event: dict[str, Any]) -> None:
    """Move what `messages` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("messages", event, now())
