"""The worker of the queue `image_compression`, and who takes over its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane("image_compression")
def work_image_compression(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `image_compression`."""
    return work("image_compression", event)


@function.on_dead_letters("image_compression")
def bury_image_compression(event: dict[str, Any]) -> None:
    """Move what `image_compression` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("image_compression", event, now())
