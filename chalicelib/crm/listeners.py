"""What crm itself does when it is told of what happened to persons."""

from collections.abc import Callable
from typing import Any

from chalicelib.core.events import Event, Job
from chalicelib.crm import events
from chalicelib.crm.jobs import IndexPerson


def _index(event: Any, company_id: str) -> Job:
    return IndexPerson(company_id=company_id, customer_id=event.customer_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    events.CustomerCreated: (_index,),
    events.CustomerChanged: (_index,),
    events.CustomerDeleted: (_index,),
    events.CustomerRestored: (_index,),
}
