"""What happens to calls by the clock."""

from chalicelib.calls import chain_check, retention
from chalicelib.core.clock import now
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

function = Function(__name__)


@function.every("cron(20 3 * * ? *)", needs=Needs(reads=("identity", "calls"), writes=("outbox",)), timeout_seconds=300)
def forget_recordings() -> None:
    """Remove transcripts and recordings that companies keep no longer."""
    retention.spread((company.id for company in companies()), Unit)


@function.every("cron(40 4 ? * MON *)", needs=Needs(reads=("identity",), writes=("outbox",)), timeout_seconds=300)
def check_chains() -> None:
    """Judge every call that wanted an appointment, and mail a report where something is missing."""
    chain_check.spread((company.id for company in companies()), Unit, now())
