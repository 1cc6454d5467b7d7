"""What accounting does when it is told of events."""

from collections.abc import Callable
from typing import Any

from chalicelib.accounting.events import CredentialsRefused
from chalicelib.accounting.jobs import AskToReconnect
from chalicelib.core.events import Event, Job


def _ask(event: CredentialsRefused, company_id: str) -> Job:
    return AskToReconnect(company_id=company_id, account_ids=event.account_ids)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    CredentialsRefused: (_ask,),
}
