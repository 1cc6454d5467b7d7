"""What accounting does when it is told of events."""

from collections.abc import Callable
from typing import Any

from chalicelib.accounting.events import AccountConnected, CredentialsRefused
from chalicelib.accounting.jobs import AskToReconnect, LinkCustomer, StartSync
from chalicelib.accounting.record import RESOURCES
from chalicelib.core.events import Event, Job
from chalicelib.crm.events import CustomerCreated


def _reconnect(event: CredentialsRefused, company_id: str) -> Job:
    return AskToReconnect(company_id=company_id, account_ids=event.account_ids)


def _read_everything(event: AccountConnected, company_id: str) -> Job:
    return StartSync(company_id=company_id, account_id=event.account_id, resources=RESOURCES, kind="full")


def _link(event: CustomerCreated, company_id: str) -> Job:
    return LinkCustomer(company_id=company_id, customer_id=event.customer_id)


LISTENERS: dict[type[Event], tuple[Callable[[Any, str], Job | None], ...]] = {
    AccountConnected: (_read_everything,),
    CredentialsRefused: (_reconnect,),
    CustomerCreated: (_link,),
}
