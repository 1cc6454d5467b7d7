"""What crm leaves to be done later."""

from chalicelib.core.events import Job


class IndexPerson(Job):
    """Let a person be found by what their record says now: names, numbers, addresses, what lists are filtered by."""

    queue = "default"
    handler = "chalicelib.crm.finding.index:index_person"

    customer_id: str
