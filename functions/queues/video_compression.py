"""The worker of the queue `video_compression`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "video_compression",
    needs=Needs(
        reads=("inbox",),
        writes=("jobs", "files"),
        sends=("video_compression",),
        uploads=("files",),
        downloads=("files",),
        removes=("files",),
        lists=("files",),
    ),
    package="video",
    # ffmpeg takes all the cores there are, and Lambda gives two with this much memory.
    memory_mb=3008,
    timeout_seconds=600,
    batch_size=1,
)
def work_video_compression(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `video_compression`."""
    return work("video_compression", event)


@function.on_queue("video_compression", dead=True, needs=Needs(writes=("jobs",)))
def bury_video_compression(event: dict[str, Any]) -> None:
    """Move what `video_compression` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("video_compression", event, now())
