"""What keeping records in step leaves to be done later; `jobs.py`, where workers look, has these too."""

from chalicelib.accounting.record import Resource
from chalicelib.accounting.run import Kind
from chalicelib.core.events import Job
from chalicelib.core.needs import Needs, union

BOOKS = Needs(writes=("accounting", "records", "syncing"), secrets=("fic_client_id", "fic_client_secret"), vault=True)
"""Fatture in Cloud asked and its answer kept; its tokens renewed where they have run out."""
LINKS = Needs(reads=("accounting", "crm"), writes=("records", "syncing"))
"""Records of the books and customers brought together."""


class SyncStep(Job):
    """Do the next step of a run: mostly, read and store one page."""

    queue = "sync.fic"
    needs = BOOKS
    handler = "chalicelib.accounting.sync_step:step"
    attempts = 10

    account_id: str
    resource: Resource
    kind: Kind
    run_id: str
    step: int


class StartSync(Job):
    """Begin to read an account's resources. `anew`: not only to join a run that may have passed what is meant."""

    queue = "sync.fic"
    needs = Needs(reads=("accounting",), writes=("syncing",))
    handler = "chalicelib.accounting.start_sync:start_later"

    account_id: str
    resources: tuple[Resource, ...]
    kind: Kind
    anew: bool = False


class ApplyFicEvent(Job):
    """Fetch the records that an event in the inbox names, from the `start`-th on, some at a time."""

    queue = "sync.fic"
    needs = union(BOOKS, Needs(reads=("inbox",)))
    handler = "chalicelib.accounting.notifications:apply"
    attempts = 10

    account_id: str
    delivery_id: str
    event_row: str
    start: int = 0


class LinkClients(Job):
    """Find out whose these clients are."""

    queue = "sync.fic"
    needs = LINKS
    handler = "chalicelib.accounting.link_customer:link_clients"

    account_id: str
    clients: tuple[int, ...]


class LinkCustomer(Job):
    """Find the clients that a customer is, when the customer is new or has another tax number."""

    queue = "sync.fic"
    needs = LINKS
    handler = "chalicelib.accounting.link_customer:link_customer"

    customer_id: str


class ReconcileDocument(Job):
    """Ask FIC about a document whose making it has not confirmed."""

    queue = "sync.fic"
    needs = union(BOOKS, Needs(reads=("booking", "crm")))
    handler = "chalicelib.accounting.issue_invoice:reconcile"
    attempts = 12

    account_id: str
    resource: Resource
    appointment_id: str


class CheckSubscriptions(Job):
    """Compare an account's subscriptions with FIC's, and mend what expired or was dropped."""

    queue = "sync.fic"
    needs = BOOKS
    handler = "chalicelib.accounting.subscription_sync:check"

    account_id: str
