"""The worker of the queue `notifications`, and who takes over its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("notifications")
def work_notifications(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `notifications`."""
    return work("notifications", event)


@function.on_dead_letters("notifications")
def bury_notifications(event: dict[str, Any]) -> None:
    """Move what `notifications` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("notifications", event, now())
