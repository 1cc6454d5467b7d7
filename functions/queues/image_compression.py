"""The workers of the lanes of `image_compression`, and who takes over their dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


@function.on_lane(
    "image_compression",
    package="images",
    # An image of fifty million pixels takes a gigabyte; Lambda gives a core and more along with it.
    memory_mb=2048,
    timeout_seconds=120,
    batch_size=1,
)
def work_image_compression(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `image_compression`."""
    return work("image_compression", event)


@function.on_dead_letters("image_compression")
def bury_image_compression(event: dict[str, Any]) -> None:
    """Move what `image_compression` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("image_compression", event, now())


@function.on_lane(
    "image_compression.video",
    package="video",
    # ffmpeg takes all the cores there are, and Lambda gives two with this much memory.
    memory_mb=3008,
    timeout_seconds=600,
    batch_size=1,
)
def work_image_compression_video(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `image_compression.video`."""
    return work("image_compression.video", event)


@function.on_dead_letters("image_compression.video")
def bury_image_compression_video(event: dict[str, Any]) -> None:
    """Move what `image_compression.video` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("image_compression.video", event, now())
