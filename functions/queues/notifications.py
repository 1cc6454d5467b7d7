"""The worker of the queue `notifications`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "notifications",
    needs=Needs(
        reads=("inbox", "identity", "booking", "calls", "accounting", "crm"),
        writes=("jobs", "directory"),
        sends=("notifications",),
        mail=True,
    ),
)
def work_notifications(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `notifications`."""
    return work("notifications", event)


@function.on_queue("notifications", dead=True, needs=Needs(writes=("jobs",)))
def bury_notifications(event: dict[str, Any]) -> None:
    """Move what `notifications` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("notifications", event, now())
