"""What accounting does by the clock."""

from chalicelib.accounting import recurring_jobs
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs

function = Function(__name__)
NEEDS = Needs(reads=("identity", "accounting"), writes=("syncing",))


@function.every("rate(1 hour)", needs=NEEDS, vendor="fic", timeout_seconds=300)
def sync_fic_changes() -> None:
    """Read what has changed at Fatture in Cloud, of every connected account; take on runs that stopped."""
    recurring_jobs.read_changes(now)


@function.every("cron(20 1 ? * SUN *)", needs=NEEDS, vendor="fic")
def sync_fic_fully() -> None:
    """Read everything once a week, which finds what has vanished without a word."""
    recurring_jobs.read_everything(now)


@function.every("cron(40 4 * * ? *)", needs=NEEDS, vendor="fic")
def check_fic_subscriptions() -> None:
    """Compare subscriptions with what Fatture in Cloud has, and mend what expired or was dropped."""
    recurring_jobs.check_subscriptions(now)
