"""The worker of the queue `default`, and who takes over its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("default")
def work_default(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `default`."""
    return work("default", event)


@function.on_dead_letters("default")
def bury_default(event: dict[str, Any]) -> None:
    """Move what `default` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("default", event, now())
