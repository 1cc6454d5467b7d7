"""The worker of the queue `image_compression`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "image_compression",
    needs=Needs(
        reads=("inbox",),
        writes=("jobs", "files"),
        sends=("image_compression",),
        uploads=("files",),
        downloads=("incoming", "files"),
        removes=("incoming", "files"),
        lists=("files",),
    ),
    package="images",
    # An image of fifty million pixels takes a gigabyte; Lambda gives a core and more along with it.
    memory_mb=2048,
    timeout_seconds=120,
    batch_size=1,
)
def work_image_compression(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `image_compression`."""
    return work("image_compression", event)


@function.on_queue("image_compression", dead=True, needs=Needs(writes=("jobs",)))
def bury_image_compression(event: dict[str, Any]) -> None:
    """Move what `image_compression` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("image_compression", event, now())
