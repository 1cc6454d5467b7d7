"""The worker of the queue `qa_automation`, and who takes over its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("qa_automation")
def work_qa_automation(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `qa_automation`."""
    return work("qa_automation", event)


@function.on_dead_letters("qa_automation")
def bury_qa_automation(event: dict[str, Any]) -> None:
    """Move what `qa_automation` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("qa_automation", event, now())
