"""The worker of the queue `qa_automation`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "qa_automation",
    needs=Needs(
        reads=("inbox", "calls", "booking", "crm", "directory", "identity"), writes=("jobs",), sends=("qa_automation",)
    ),
)
def work_qa_automation(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `qa_automation`."""
    return work("qa_automation", event)


@function.on_queue("qa_automation", dead=True, needs=Needs(writes=("jobs",)))
def bury_qa_automation(event: dict[str, Any]) -> None:
    """Move what `qa_automation` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("qa_automation", event, now())
