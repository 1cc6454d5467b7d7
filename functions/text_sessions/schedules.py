"""What text sessions do by the clock."""

from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.text_sessions import manage_subscription, tick_job

function = Function(__name__)
WRITES = Needs(writes=("text_sessions",))


@function.every("rate(1 minute)", needs=WRITES)
def sweep_text_sessions() -> None:
    """Charge, end and notify running sessions whose tick was lost."""
    tick_job.sweep(now(), now)


@function.every("rate(15 minutes)", needs=WRITES)
def close_subscription_periods() -> None:
    """Renew or expire subscriptions whose period is over: local midnights lie on quarters of an hour."""
    manage_subscription.close_periods(now(), now)
