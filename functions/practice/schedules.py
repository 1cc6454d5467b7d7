"""What happens to the practice by the clock."""

from chalicelib.core.function import Function
from chalicelib.core.needs import Needs

function = Function(__name__)


@function.every("cron(20 2 1 * ? *)", needs=Needs(reads=("identity",), writes=("outbox",)), timeout_seconds=300)
def renew_holidays() -> None:
    """Compile every branch anew each month, so that the public holidays ahead never run out."""
    from chalicelib.booking.jobs import RecompileBranches
    from chalicelib.core.unit import Unit
    from chalicelib.identity.store import companies

    for company in companies():
        unit = Unit(company.id)
        unit.enqueue(RecompileBranches(company_id=company.id, after=""))
        unit.commit()
