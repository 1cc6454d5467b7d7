"""The workers of the lanes of `workflows`, and who takes over their dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("workflows")
def work_workflows(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `workflows`."""
    return work("workflows", event)


@function.on_dead_letters("workflows")
def bury_workflows(event: dict[str, Any]) -> None:
    """Move what `workflows` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("workflows", event, now())


@function.on_lane("workflows.webhooks")
def work_workflows_webhooks(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `workflows.webhooks`."""
    return work("workflows.webhooks", event)


@function.on_dead_letters("workflows.webhooks")
def bury_workflows_webhooks(event: dict[str, Any]) -> None:
    """Move what `workflows.webhooks` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("workflows.webhooks", event, now())
