"""What accounting does by the clock."""

from chalicelib.accounting import recurring_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.every("rate(1 hour)", needs=Needs(reads=("identity", "accounting"), writes=("syncing",)), timeout_seconds=300)
def sync_fic_changes() -> None:
    """Read what has changed at Fatture in Cloud, of every connected account; take on runs that stopped."""
    recurring_jobs.read_changes(now)


@function.every("cron(20 1 ? * SUN *)", needs=Needs(reads=("identity", "accounting"), writes=("syncing",)))
def sync_fic_fully() -> None:
    """Read everything once a week, which finds what has vanished without a word."""
    recurring_jobs.read_everything(now)


@function.every("cron(40 4 * * ? *)", needs=Needs(reads=("identity", "accounting"), writes=("syncing",)))
def check_fic_subscriptions() -> None:
    """Compare subscriptions with what Fatture in Cloud has, and mend what expired or was dropped."""
    recurring_jobs.check_subscriptions(now)
