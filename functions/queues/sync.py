"""The workers of the lanes of `sync`, and who takes over their dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work

function = Function(__name__)


# Some jobs ask a vendor ten times; five of them have to fit.
@function.on_lane("sync", batch_size=5, timeout_seconds=120)
def work_sync(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `sync`."""
    return work("sync", event)


@function.on_dead_letters("sync")
def bury_sync(event: dict[str, Any]) -> None:
    """Move what `sync` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("sync", event, now())


@function.on_lane("sync.calcom", batch_size=5, timeout_seconds=120)
def work_sync_calcom(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `sync.calcom`."""
    return work("sync.calcom", event)


@function.on_dead_letters("sync.calcom")
def bury_sync_calcom(event: dict[str, Any]) -> None:
    """Move what `sync.calcom` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("sync.calcom", event, now())


@function.on_lane("sync.fic", batch_size=5, timeout_seconds=120)
def work_sync_fic(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `sync.fic`."""
    return work("sync.fic", event)


@function.on_dead_letters("sync.fic")
def bury_sync_fic(event: dict[str, Any]) -> None:
    """Move what `sync.fic` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("sync.fic", event, now())
