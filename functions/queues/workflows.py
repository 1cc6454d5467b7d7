"""The worker of the queue `workflows`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "workflows",
    needs=Needs(
        reads=("inbox", "booking", "occupancy"),
        writes=("jobs", "integrations", "analytics"),
        sends=("workflows",),
        vault=True,
    ),
)
def work_workflows(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `workflows`."""
    return work("workflows", event)


@function.on_queue("workflows", dead=True, needs=Needs(writes=("jobs",)))
def bury_workflows(event: dict[str, Any]) -> None:
    """Move what `workflows` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("workflows", event, now())
