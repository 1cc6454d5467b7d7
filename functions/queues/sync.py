"""The worker of the queue `sync`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "sync",
    needs=Needs(
        reads=("inbox",),
        writes=("jobs", "booking", "occupancy", "crm", "calls", "directory", "accounting", "records", "syncing"),
        sends=("sync",),
        secrets=(
            "calcom_api_key",
            "calcom_webhook_secret",
            "fic_client_id",
            "fic_client_secret",
            "retell_api_key",
            "twilio_account_sid",
            "twilio_auth_token",
        ),
        vault=True,
    ),
    # Some jobs ask a vendor ten times; five of them have to fit.
    batch_size=5,
    timeout_seconds=120,
)
def work_sync(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `sync`."""
    return work("sync", event)


@function.on_queue("sync", dead=True, needs=Needs(writes=("jobs",)))
def bury_sync(event: dict[str, Any]) -> None:
    """Move what `sync` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("sync", event, now())
