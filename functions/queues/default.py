"""The worker of the queue `default`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "default",
    needs=Needs(
        writes=(
            "jobs",
            "crm",
            "inbox",
            "booking",
            "occupancy",
            "calls",
            "directory",
            "text_sessions",
            "chat",
            "messaging",
            "files",
        ),
        downloads=("incoming",),
        removes=("incoming", "files"),
        lists=("incoming", "files"),
        sends=("default",),
    ),
)
def work_default(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `default`."""
    return work("default", event)


@function.on_queue("default", dead=True, needs=Needs(writes=("jobs",)))
def bury_default(event: dict[str, Any]) -> None:
    """Move what `default` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("default", event, now())
