"""The worker of the queue `messages`, and the dead-letter consumer of its dead letters."""

from typing import Any

from chalicelib.core import failed_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.jobs import work
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.on_queue(
    "messages",
    needs=Needs(
        reads=("inbox", "booking"),
        writes=("jobs", "messaging", "calls", "directory"),
        sends=("messages",),
        secrets=("twilio_account_sid", "twilio_auth_token"),
    ),
)
def work_messages(event: dict[str, Any]) -> dict[str, Any]:
    """Do the jobs of `messages`."""
    return work("messages", event)


@function.on_queue("messages", dead=True, needs=Needs(writes=("jobs",)))
def bury_messages(event: dict[str, Any]) -> None:
    """Move what `messages` could not deliver into the failed jobs."""
    failed_jobs.record_dead_letters("messages", event, now())
