"""What accounting leaves to be done later."""

from chalicelib.accounting.record_jobs import (
    ApplyFicEvent,
    CheckSubscriptions,
    LinkClients,
    LinkCustomer,
    ReconcileDocument,
    StartSync,
    SyncStep,
)
from chalicelib.core.events import Job
from chalicelib.core.needs import Needs

__all__ = [
    "ApplyFicEvent",
    "AskToReconnect",
    "CheckSubscriptions",
    "LinkClients",
    "LinkCustomer",
    "ReconcileDocument",
    "StartSync",
    "SyncStep",
]


class AskToReconnect(Job):
    """Mail the company's admins that these accounts have to be connected again."""

    queue = "notifications"
    needs = Needs(reads=("accounting", "identity"), writes=("guards",), mail=True)
    handler = "chalicelib.accounting.ask_to_reconnect:ask_to_reconnect"

    account_ids: tuple[str, ...]
