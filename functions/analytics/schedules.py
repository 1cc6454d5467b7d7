"""What is done for the figures by the clock."""

from chalicelib.analytics import measure_minutes
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.unit import Unit
from chalicelib.identity.store import companies

function = Function(__name__)


@function.every("cron(50 2 * * ? *)", needs=Needs(reads=("identity",), writes=("outbox",)), timeout_seconds=300)
def measure_available_minutes() -> None:
    """Let every branch's available minutes be written down, for utilisation."""
    measure_minutes.spread((company.id for company in companies()), Unit)
