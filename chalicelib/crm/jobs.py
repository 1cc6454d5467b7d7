"""What crm leaves to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs


class IndexPerson(Job):
    """Let a person be found by what their record says now: names, numbers, addresses, what lists are filtered by."""

    queue = "default"
    needs = Needs(writes=("crm",))
    handler = "chalicelib.crm.finding.index:index_person"

    customer_id: str
